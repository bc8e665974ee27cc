using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Demarc.Control.Configuration;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Deploy;

/// <summary>What <c>deploy/</c> says of Kubernetes and containers, against Kubernetes' schemas and the program.</summary>
public sealed class ManifestTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-manifests-").FullName;
    private readonly JsonObject[] _objects = Manifests.Plain();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private JsonObject Pod => _objects.Select(o => o["spec"]?["template"]?["spec"]).OfType<JsonObject>().Single();

    private JsonObject Container => Assert.IsType<JsonObject>(Assert.Single(Pod["containers"]!.AsArray()));

    private string Configuration => (string)Manifests.One(_objects, "ConfigMap")["data"]!["demarc.yaml"]!;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_plain_manifests_are_those_of_the_chart_as_it_is()
    {
        var result = await Command.RunAsync(Repository.Path("deploy", "render"), ["--sources"], _folder, DemarcCommand.Environment, Stop);
        var lines = await File.ReadAllLinesAsync(Repository.Path("deploy", "kubernetes", "demarc.yaml"), Stop);

        Assert.True(lines[1] == $"# sources: {result.Output.Trim()}", "The chart or its values changed: deploy/render writes the plain manifests anew.");
    }

    [Fact]
    public async Task Every_object_is_as_Kubernetes_has_it_and_what_is_not_is_found()
    {
        var bad = Manifests.Plain().Single(o => (string?)o["kind"] == "StatefulSet");
        bad["spec"]!["replicas"] = "3";
        bad["spec"]!["template"]!["spec"]!["containers"]![0]!["securityContext"]!["readOnlyRootFileSystem"] = true;
        bad["spec"]!.AsObject().Remove("selector");

        var found = await Manifests.CheckAsync([.. _objects, bad]);

        Assert.All(found[..^1], Assert.Empty);
        Assert.Equal(8, _objects.Length);
        Assert.Equal(3, found[^1].Length);
        Assert.Contains(found[^1], f => f.Contains("/spec/replicas type", StringComparison.Ordinal));
        Assert.Contains(found[^1], f => f.Contains("required {\"missingProperty\":\"selector\"}", StringComparison.Ordinal));
        Assert.Contains(found[^1], f => f.EndsWith("securityContext/readOnlyRootFileSystem is no field", StringComparison.Ordinal));
    }

    [Fact]
    public void Ports_folders_and_arguments_are_those_of_the_configuration()
    {
        var config = Read(Configuration);
        var data = Mount("data");
        Assert.Equal(["serve", "--config", Mount("config") + "/demarc.yaml", "--data", data], Container["args"]!.AsArray().Select(a => (string)a!));
        Assert.StartsWith(data + "/", config.JournalDirectory, StringComparison.Ordinal);
        Assert.Equal("data", (string?)Assert.Single(StatefulSet["spec"]!["volumeClaimTemplates"]!.AsArray())!["metadata"]!["name"]);

        var ports = Container["ports"]!.AsArray().ToDictionary(p => (string)p!["name"]!, p => (int)p!["containerPort"]!);
        Assert.Equal(new ListenConfig("0.0.0.0", ports["gateway"]), Assert.Single(config.Listen));
        Assert.Equal(new ListenConfig("0.0.0.0", ports["admin"]), Assert.Single(config.AdminListen));
        // A service leads to a port of the pods, with the number that the documents name.
        var services = _objects.Where(o => (string?)o["kind"] == "Service").ToArray();
        Assert.Equal(3, services.Length);
        Assert.All(services.SelectMany(s => s["spec"]!["ports"]!.AsArray()), p => Assert.Equal(ports[(string)p!["targetPort"]!], (int)p["port"]!));
        Assert.All(services, s => Assert.All(s["spec"]!["selector"]!.AsObject(), l => Assert.Equal((string?)l.Value, (string?)StatefulSet["spec"]!["template"]!["metadata"]!["labels"]![l.Key])));
        Assert.Contains(services, s => (string?)s["metadata"]!["name"] == (string?)StatefulSet["spec"]!["serviceName"]);
        // Administration does not go through the ingress.
        var backend = Manifests.One(_objects, "Ingress")["spec"]!["rules"]![0]!["http"]!["paths"]![0]!["backend"]!["service"]!;
        Assert.Equal(("demarc", "gateway"), ((string?)backend["name"], (string?)backend["port"]!["name"]));
        Assert.Equal(config.PublicUrl!.Host, (string?)Manifests.One(_objects, "Ingress")["spec"]!["rules"]![0]!["host"]);
    }

    [Fact]
    public async Task The_probes_ask_what_is_served_on_both_listeners()
    {
        var lines = Configuration.Split('\n').Where(l => !l.StartsWith("store:", StringComparison.Ordinal) && !l.StartsWith("journal:", StringComparison.Ordinal) && !l.StartsWith("master_key:", StringComparison.Ordinal));
        await using var gateway = await GatewayFixture.StartAsync(string.Join('\n', lines).Replace("0.0.0.0:8444", "127.0.0.1:0", StringComparison.Ordinal));
        var probes = new[] { "startupProbe", "livenessProbe", "readinessProbe" }.Select(p => (string)Container[p]!["httpGet"]!["path"]!).Distinct().ToArray();

        Assert.Equal(["/livez", "/readyz"], probes);
        Assert.Equal("/readyz", (string?)Container["readinessProbe"]!["httpGet"]!["path"]);
        foreach (var address in gateway.Gateway.Addresses)
            foreach (var probe in probes)
                Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, address, probe));
        // Metrics and administration are on the second alone.
        Assert.Equal(2, gateway.Gateway.Addresses.Length);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(gateway, gateway.Gateway.Addresses[0], "/metrics"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, gateway.Gateway.Addresses[1], "/metrics"));
    }

    [Fact]
    public void Nothing_on_the_way_cuts_a_session_short()
    {
        var config = Read(Configuration);
        var annotations = Manifests.One(_objects, "Ingress")["metadata"]!["annotations"]!;
        string Of(string name) => (string)annotations["nginx.ingress.kubernetes.io/" + name]!;

        Assert.Equal(("off", "off", "off"), (Of("proxy-buffering"), Of("proxy-request-buffering"), Of("proxy-next-upstream")));
        Assert.All(["proxy-read-timeout", "proxy-send-timeout"], name => Assert.True(int.Parse(Of(name), CultureInfo.InvariantCulture) >= 1800));
        // What is too large is told by the gateway, in the words that clients read.
        Assert.Equal(32 << 20, config.MaxBodyBytes);
        Assert.True(long.Parse(Of("proxy-body-size").TrimEnd('m'), CultureInfo.InvariantCulture) << 20 > config.MaxBodyBytes);
        Assert.Equal(TimeSpan.FromMinutes(30), config.Shutdown.Streams);
        Assert.True((int)Pod["terminationGracePeriodSeconds"]! > (config.Shutdown.Notice + config.Shutdown.Streams).TotalSeconds);
        // Longer than two failed probes.
        Assert.True(config.Shutdown.Notice.TotalSeconds >= 2 * (int)Container["readinessProbe"]!["periodSeconds"]! * (int)Container["readinessProbe"]!["failureThreshold"]!);
        Assert.Equal(1, (int)Manifests.One(_objects, "PodDisruptionBudget")["spec"]!["maxUnavailable"]!);
    }

    [Fact]
    public void The_program_has_no_rights_no_writable_root_and_no_secret_in_the_clear()
    {
        var security = Container["securityContext"]!;
        Assert.True((bool)security["readOnlyRootFilesystem"]!);
        Assert.False((bool)security["allowPrivilegeEscalation"]!);
        Assert.Equal("ALL", (string?)Assert.Single(security["capabilities"]!["drop"]!.AsArray()));
        Assert.True((bool)Pod["securityContext"]!["runAsNonRoot"]!);
        Assert.False((bool)Pod["automountServiceAccountToken"]!);
        // What is written goes to the volume, or stays in memory.
        Assert.Equal(["/tmp", "/var/lib/demarc"], Container["volumeMounts"]!.AsArray().Where(m => m!["readOnly"] is null).Select(m => (string)m!["mountPath"]!).Order());
        Assert.Equal("Memory", (string?)Pod["volumes"]!.AsArray().Single(v => (string?)v!["name"] == "tmp")!["emptyDir"]!["medium"]);
        Assert.DoesNotContain(_objects, o => (string?)o["kind"] == "Secret");
        Assert.Null(Container["env"]);
        Assert.Equal(2, Configuration.Split("${").Length - 1);
    }

    [Fact]
    public async Task The_image_is_what_the_pods_run()
    {
        var lines = await File.ReadAllLinesAsync(Repository.Path("deploy", "Dockerfile"), Stop);
        string Last(string word) => lines.Last(l => l.StartsWith(word + " ", StringComparison.Ordinal))[(word.Length + 1)..];

        Assert.EndsWith("-chiseled", Last("FROM"), StringComparison.Ordinal);
        Assert.Equal(Pod["securityContext"]!["runAsUser"]!.ToString(), Last("USER"));
        Assert.Equal(string.Join(' ', Container["ports"]!.AsArray().Select(p => p!["containerPort"]!.ToString())), Last("EXPOSE"));
        Assert.Equal(Mount("data"), Last("VOLUME"));
        Assert.Equal(Container["args"]!.AsArray().Select(a => (string)a!), JsonNode.Parse(Last("CMD"))!.AsArray().Select(a => (string)a!));
    }

    private JsonObject StatefulSet => Manifests.One(_objects, "StatefulSet");

    private string Mount(string name) => (string)Container["volumeMounts"]!.AsArray().Single(m => (string?)m!["name"] == name)!["mountPath"]!;

    // The variables and files that it refers to are there, and mounted where it looks for them.
    private DemarcConfig Read(string configuration)
    {
        var path = Path.Combine(_folder, "demarc.yaml");
        File.WriteAllText(path, configuration);
        var result = ConfigFile.Read(path, new ConfigSources(
            name => name == "DATABASE_PASSWORD" ? "a password" : null,
            file => file == Mount("secrets") + "/master-key" ? Convert.ToBase64String(new byte[32]).Select(c => (byte)c).ToArray() : File.ReadAllBytes(file)));
        Assert.DoesNotContain(result.Problems, p => p.Severity == ConfigSeverity.Error);
        return result.Config!;
    }

    private static async Task<HttpStatusCode> StatusAsync(GatewayFixture gateway, Uri address, string path)
    {
        using var response = await gateway.Http.GetAsync(new Uri(address, path), Stop);
        return response.StatusCode;
    }
}
