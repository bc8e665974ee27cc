using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Deploy;

/// <summary>The chart, rendered by Helm, or by Go's templates where there is none.</summary>
[Trait("suite", "faults")]
public sealed class ChartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-chart-").FullName;

    private static string Values { get; } = File.ReadAllText(Repository.Path("deploy", "kubernetes", "values.yaml"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task It_gives_the_plain_manifests()
    {
        var rendered = Manifests.Read(await DoneAsync(Values));

        Assert.Equal(Manifests.Plain().Select(o => o.ToJsonString()).Order(), rendered.Select(o => o.ToJsonString()).Order());
    }

    [Theory]
    [InlineData("journal: journal\n", "journal: say what happens while PostgreSQL is away")]
    [InlineData("image:\n  repository: registry.contoso.example/demarc\n", "image.repository: give")]
    [InlineData("  host: claude.contoso.example\n", "ingress.host: give the name in public_url")]
    public async Task What_has_no_default_is_asked_for(string without, string said)
    {
        var result = await RenderAsync(Values.Replace(without, "", StringComparison.Ordinal));

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(said, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_journal_with_TLS_and_without_an_ingress_it_is_as_Kubernetes_has_it_too()
    {
        var objects = Manifests.Read(await DoneAsync(Values
            .Replace("journal: journal", "journal: none", StringComparison.Ordinal)
            .Replace("secrets:\n", "nodeSelector: { pool: claude }\ntolerations: [ { key: claude, operator: Exists } ]\npodAnnotations: { a: b }\nsecrets:\n  tls: demarc-tls\n", StringComparison.Ordinal)
            .Replace("ingress:\n", "ingress:\n  enabled: false\n", StringComparison.Ordinal)));

        Assert.All(await Manifests.CheckAsync(objects), Assert.Empty);
        Assert.DoesNotContain(objects, o => (string?)o["kind"] == "Ingress");
        Assert.DoesNotContain("journal:", (string)Manifests.One(objects, "ConfigMap")["data"]!["demarc.yaml"]!, StringComparison.Ordinal);
        var container = Manifests.One(objects, "StatefulSet")["spec"]!["template"]!["spec"]!["containers"]![0]!;
        Assert.Equal("HTTPS", (string?)container["readinessProbe"]!["httpGet"]!["scheme"]);
        Assert.Contains(container["volumeMounts"]!.AsArray(), m => (string?)m!["mountPath"] == "/run/demarc/tls");
    }

    private async Task<string> DoneAsync(string values)
    {
        var result = await RenderAsync(values);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Output;
    }

    private async Task<CommandResult> RenderAsync(string values)
    {
        var isThere = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(f => File.Exists(Path.Combine(f, "helm")))
            || (File.Exists("/usr/bin/go") && Directory.Exists("/usr/share/gocode/src/github.com/Masterminds/sprig"));
        Component.Require(isThere, "neither Helm nor Go with Sprig is installed (apt-get install golang-go golang-github-masterminds-sprig-dev golang-gopkg-yaml.v3-dev)");
        var file = Path.Combine(_folder, "values.yaml");
        await File.WriteAllTextAsync(file, values, TestContext.Current.CancellationToken);
        return await Command.RunAsync(Repository.Path("deploy", "render"), [file], _folder, DemarcCommand.Environment, TestContext.Current.CancellationToken);
    }
}
