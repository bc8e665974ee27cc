using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>resources</c>.</summary>
internal static class ResourceSection
{
    private static readonly string[] Keys = ["name", "platform", "endpoint", "region", "agreements", "credential", "network_rules", "deployments"];

    /// <summary>The platforms that the request path can talk to.</summary>
    private static readonly Platform[] Served = [Platform.Foundry, Platform.Anthropic];

    public static ResourceConfig[] Read(ConfigNode? node, ConfigReading reading)
    {
        var resources = new List<ResourceConfig>();
        var names = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var item in reading.Items(node))
        {
            if (Resource(item, names, reading) is { } resource)
                resources.Add(resource);
        }
        return [.. resources];
    }

    private static ResourceConfig? Resource(ConfigNode item, Dictionary<string, int> names, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, Keys) is not { } map)
            return null;
        var nameNode = reading.Text(map.Required("name", NameRules.ResourceRule));
        var name = NameRules.Resource(nameNode, reading);
        if (name is not null && !names.TryAdd(name, item.Line))
            reading.Error(nameNode!, $"{ConfigText.Quote(name)} names the resource on line {names[name]} already; each name is accepted once");

        var platform = ReadPlatform(reading.Text(map.Required("platform", Names(Served))), reading);
        var endpoint = Endpoint(map.Text("endpoint"), platform, name, reading);
        var region = Word(map.Text("region"), "region", "eastus2", reading);
        var agreements = reading.Texts(map.Get("agreements"))
            .Select(text => Word(text, "agreement", "microsoft-dpa", reading))
            .OfType<string>().Distinct().ToArray();
        var apiKey = ApiKey(map.Required("credential", "{ api_key: \"${NAME}\" }"), reading);
        var network = NetworkSection.Read(map.Get("network_rules"), reading);
        var deployments = DeploymentSection.Read(map.Get("deployments"), platform, reading);
        if (map.Get("deployments") is null or ListNode { Items.Count: 0 })
            reading.Warn(item, "the resource has no deployments and serves nothing");

        return name is null || platform is null || endpoint is null || apiKey is null
            ? null
            : new ResourceConfig(name, platform.Value, endpoint, region, agreements, apiKey, deployments, item.Line) { Network = network };
    }

    private static Platform? ReadPlatform(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (!PlatformNames.TryPlatform(node.Value, out var platform))
        {
            var near = ConfigText.DidYouMean(node.Value, Served.Select(p => p.Wire()));
            reading.Error(node, $"unknown platform {ConfigText.Quote(node.Value)}; accepted: {Names(Served)}{near}");
            return null;
        }
        if (!Served.Contains(platform))
            reading.Error(node, $"platform '{platform.Wire()}' is not served yet; accepted: {Names(Served)}");
        return platform;
    }

    private static Uri? Endpoint(TextNode? node, Platform? platform, string? name, ConfigReading reading)
    {
        if (node is null)
        {
            return platform switch
            {
                Platform.Foundry when name is not null => new Uri($"https://{name}.services.ai.azure.com/anthropic"),
                Platform.Anthropic => new Uri("https://api.anthropic.com"),
                _ => null,
            };
        }
        var endpoint = UrlRules.Read(node, reading);
        if (endpoint?.AbsolutePath.EndsWith("/v1", StringComparison.Ordinal) is not true)
            return endpoint;
        reading.Error(node, "the endpoint ends in /v1, which Demarc adds itself; accepted: the address before /v1");
        return null;
    }

    private static Secret? ApiKey(ConfigNode? node, ConfigReading reading)
    {
        var map = MapReader.Open(node, reading, ["api_key"], hideUnknown: true);
        if (reading.Raw(map?.Required("api_key", SecretReference.Accepted)) is not { } text || SecretReference.Read(text, reading) is not { } secret)
            return null;
        if (secret.Reveal().All(c => c is > ' ' and <= '~'))
            return secret;
        reading.Error(text, "the key has white space or characters that no header can carry; accepted: visible ASCII");
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
