using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>resources</c>.</summary>
internal static class ResourceSection
{
    private static readonly string[] Keys = ["name", "platform", "endpoint", "region", "agreements", "credential", "network_rules", "facts", "deployments", "api", "project", "workspace", "proxy", "certificate_authorities", "management", "rates", "capture"];

    private static readonly Platform[] Platforms = Enum.GetValues<Platform>();

    /// <param name="agreed">Names of the agreements that are described.</param>
    public static ResourceConfig[] Read(ConfigNode? node, string[] agreed, ConfigReading reading)
    {
        var resources = new List<ResourceConfig>();
        var names = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var item in reading.Items(node))
        {
            if (Resource(item, names, agreed, reading) is { } resource)
                resources.Add(resource);
        }
        return [.. resources];
    }

    private static ResourceConfig? Resource(ConfigNode item, Dictionary<string, int> names, string[] agreed, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, Keys) is not { } map)
            return null;
        var nameNode = reading.Text(map.Required("name", NameRules.ResourceRule));
        var name = NameRules.Resource(nameNode, reading);
        if (name is not null && !names.TryAdd(name, item.Line))
            reading.Error(nameNode!, $"{ConfigText.Quote(name)} names the resource on line {names[name]} already; each name is accepted once");

        var platform = ReadPlatform(reading.Text(map.Required("platform", Names(Platforms))), reading);
        var form = Form(map, platform, reading);
        var region = Word(map.Text("region"), "region", "eastus2", reading);
        RegionRules.Check(map.Text("region"), platform, reading);
        if (region is null && platform is Platform.AnthropicAws or Platform.Bedrock or Platform.Vertex)
            map.Required("region", platform == Platform.Vertex ? "global, us, eu, or a region, for example europe-west1" : "a region, for example us-east-1");
        var project = Own(map, "project", platform, Platform.Vertex, "the id of a Google Cloud project", reading);
        if (project is not null && !NameRules.IsWord(project.Value))
            reading.Error(project, $"{ConfigText.Quote(project.Value)} is no project; accepted: a-z, 0-9 and '._-'");
        var workspace = Own(map, "workspace", platform, Platform.AnthropicAws, "a workspace id, wrkspc_…", reading);
        if (workspace is not null && !NameRules.IsWorkspace(workspace.Value))
            reading.Error(workspace, $"{ConfigText.Quote(workspace.Value)} is no workspace; accepted: wrkspc_ and letters or digits");
        var endpoint = Endpoint(map.Text("endpoint"), platform, form, name, region, reading);
        var agreements = reading.Texts(map.Get("agreements"))
            .Select(text => Word(text, "agreement", "microsoft-dpa", reading))
            .OfType<string>().Distinct().ToArray();
        var credential = CredentialSection.Read(map, platform, form, reading);
        var proxy = EgressSection.Proxy(map.Text("proxy"), reading);
        var authorities = EgressSection.CertificateAuthorities(map.Text("certificate_authorities"), reading);
        var network = NetworkSection.Read(map.Get("network_rules"), reading);
        var rates = RateSection.Read(map.Get("rates"), reading);
        var deployments = DeploymentSection.Read(map.Get("deployments"), platform, region, agreed, reading);
        if (map.Get("deployments") is null or ListNode { Items.Count: 0 })
            reading.Warn(item, "the resource has no deployments and serves nothing");

        return name is null || platform is null || endpoint is null || credential is null
            ? null
            : new ResourceConfig(name, platform.Value, endpoint, region, agreements, credential, deployments, item.Line)
            {
                Form = form,
                Project = project?.Value,
                Workspace = workspace?.Value,
                Proxy = proxy,
                CertificateAuthorities = authorities,
                Network = network,
                Rates = rates,
                Facts = FactSection.Read(map.Get("facts"), agreed, reading),
                Capture = PolicySection.Capture(map.Text("capture"), reading),
                Management = ManagementSection.Read(map.Get("management"), platform.Value, name, reading),
            };
    }

    private static Platform? ReadPlatform(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (!PlatformNames.TryPlatform(node.Value, out var platform))
        {
            var near = ConfigText.DidYouMean(node.Value, Platforms.Select(p => p.Wire()));
            reading.Error(node, $"unknown platform {ConfigText.Quote(node.Value)}; accepted: {Names(Platforms)}{near}");
            return null;
        }
        return platform;
    }

    // On Bedrock the operator says which of its two APIs; elsewhere the platform does.
    private static BodyForm Form(MapReader map, Platform? platform, ConfigReading reading)
    {
        const string invoke = "invoke", messages = "messages";
        var form = platform switch { Platform.Bedrock => BodyForm.Bedrock, Platform.Vertex => BodyForm.Vertex, _ => BodyForm.Anthropic };
        if (map.Text("api") is not { } api)
            return form;
        if (platform is not null and not Platform.Bedrock)
            reading.Error(api, $"only platform 'bedrock' has a choice of APIs; leave it out for '{platform.Value.Wire()}'");
        else if (api.Value is not (invoke or messages))
            reading.Error(api, $"unknown API {ConfigText.Quote(api.Value)}; accepted: {invoke} (InvokeModel), {messages} (the Messages endpoint, Mantle)");
        return api.Value == messages ? BodyForm.Anthropic : form;
    }

    private static TextNode? Own(MapReader map, string key, Platform? platform, Platform owner, string accepted, ConfigReading reading)
    {
        if (platform == owner)
            return reading.Text(map.Required(key, accepted));
        if (platform is { } other && map.Get(key) is { } node)
            reading.Error(node, $"'{key}' is a key of platform '{owner.Wire()}'; leave it out for '{other.Wire()}'");
        return null;
    }

    private static Uri? Endpoint(TextNode? node, Platform? platform, BodyForm form, string? name, string? region, ConfigReading reading)
    {
        if (node is null)
        {
            var host = (platform, form, region) switch
            {
                (Platform.Foundry, _, _) when name is not null => $"{name}.services.ai.azure.com/anthropic",
                (Platform.Anthropic, _, _) => "api.anthropic.com",
                (Platform.AnthropicAws, _, not null) => $"aws-external-anthropic.{region}.api.aws",
                (Platform.Bedrock, BodyForm.Anthropic, not null) => $"bedrock-mantle.{region}.api.aws/anthropic",
                (Platform.Bedrock, _, not null) => $"bedrock-runtime.{region}.amazonaws.com",
                (Platform.Vertex, _, "global") => "aiplatform.googleapis.com",
                (Platform.Vertex, _, "us" or "eu") => $"aiplatform.{region}.rep.googleapis.com",
                (Platform.Vertex, _, not null) => $"{region}-aiplatform.googleapis.com",
                _ => null,
            };
            return host is null ? null : new Uri("https://" + host);
        }
        var endpoint = UrlRules.Read(node, reading);
        if (endpoint?.AbsolutePath.EndsWith("/v1", StringComparison.Ordinal) is not true)
            return endpoint;
        reading.Error(node, "the endpoint ends in /v1, which Demarc adds itself; accepted: the address before /v1");
        return null;
    }

    private static string? Word(TextNode? node, string what, string example, ConfigReading reading)
    {
        if (node is null || NameRules.IsWord(node.Value))
            return node?.Value;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no {what}; accepted: a-z, 0-9 and '._-', for example {example}");
        return null;
    }

    private static string Names(IEnumerable<Platform> platforms) => string.Join(", ", platforms.Select(p => p.Wire()));
}
