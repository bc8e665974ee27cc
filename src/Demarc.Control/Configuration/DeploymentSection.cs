using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>deployments</c> of a resource.</summary>
internal static class DeploymentSection
{
    // What clouds call a geography: Bedrock's inference profiles, Google Cloud's multi-regions.
    private static readonly string[] Zones = ["us", "eu", "jp", "au", "apac"];

    private static readonly string[] Keys = ["name", "model", "scope", "hosting", "requests_per_minute", "tokens_per_minute", "concurrent", "facts"];

    /// <param name="region">The resource's; null when it has none.</param>
    public static DeploymentConfig[] Read(ConfigNode? node, Platform? platform, string? region, string[] agreed, ConfigReading reading)
    {
        var deployments = new List<DeploymentConfig>();
        var names = new Dictionary<string, int>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, Keys) is not { } map)
                continue;
            var nameNode = reading.Text(map.Required("name", NameRules.DeploymentRule));
            var name = NameRules.Deployment(nameNode, reading, arns: platform == Platform.Bedrock);
            if (name is not null && !names.TryAdd(name, item.Line))
                reading.Error(nameNode!, $"{ConfigText.Quote(name)} names the deployment on line {names[name]} already; each name is accepted once in a resource");
            var model = Model(reading.Text(map.Required("model", "a model id, for example claude-sonnet-4-6")), reading);
            var scope = Scope(map.Text("scope"), platform, reading);
            ScopeRules.Check(map.Text("scope"), name, platform, region, reading);
            var hosting = ReadHosting(map, platform, reading);
            var rate = RateLimitSection.Limit(map, reading);
            var facts = FactSection.Read(map.Get("facts"), agreed, reading);
            if (name is not null && model is not null && scope is not null && hosting is not null)
                deployments.Add(new DeploymentConfig(name, model, scope, hosting.Value, item.Line) { RateLimit = rate, Facts = facts });
        }
        return [.. deployments];
    }

    private static string? Model(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (!NameRules.IsDeployment(node.Value))
        {
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is no model id; accepted: {NameRules.DeploymentRule}");
            return null;
        }
        if (!reading.Sources.KnownModel(node.Value))
            reading.Warn(node, $"the catalog does not have the model {ConfigText.Quote(node.Value)}: no price and no capability of it is known");
        return node.Value;
    }

    private static string? Scope(TextNode? node, Platform? platform, ConfigReading reading)
    {
        const string region = "region:", zone = "data-zone:";
        if (node is null)
            return "global";
        var zones = platform is Platform.Bedrock or Platform.Vertex ? Zones : ["us"];
        if (node.Value == "global")
            return node.Value;
        if (node.Value.StartsWith(zone, StringComparison.Ordinal) && zones.Contains(node.Value[zone.Length..]))
            return node.Value;
        if (node.Value.StartsWith(region, StringComparison.Ordinal) && NameRules.IsWord(node.Value[region.Length..]))
            return node.Value;
        reading.Error(node, $"unknown scope {ConfigText.Quote(node.Value)}; accepted: global, {string.Join(", ", zones.Select(z => zone + z))}, region:NAME");
        return null;
    }

    private static Hosting? ReadHosting(MapReader map, Platform? platform, ConfigReading reading)
    {
        var options = platform is { } known ? Options(known) : Enum.GetValues<Hosting>();
        var accepted = string.Join(", ", options.Select(h => h.Wire()));
        if (map.Get("hosting") is null && options.Length == 1)
            return options[0];
        if (map.Get("hosting") is null && platform is null)
            return null;
        if (reading.Text(map.Required("hosting", accepted)) is not { } node)
            return null;
        if (!PlatformNames.TryHosting(node.Value, out var hosting))
            reading.Error(node, $"unknown hosting {ConfigText.Quote(node.Value)}; accepted: {accepted}");
        else if (!options.Contains(hosting))
            reading.Error(node, $"platform '{platform!.Value.Wire()}' does not run on '{hosting.Wire()}'; accepted: {accepted}");
        else
            return hosting;
        return null;
    }

    /// <summary>Where each platform can run inference.</summary>
    private static Hosting[] Options(Platform platform) => platform switch
    {
        Platform.Foundry => [Hosting.Azure, Hosting.Anthropic],
        Platform.Anthropic or Platform.AnthropicAws => [Hosting.Anthropic],
        Platform.Bedrock => [Hosting.Aws],
        Platform.Vertex => [Hosting.Google],
        _ => throw new ArgumentOutOfRangeException(nameof(platform)),
    };
}
