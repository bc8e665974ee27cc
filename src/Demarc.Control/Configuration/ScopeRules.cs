using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>
/// Whether a deployment can run where its scope says. Bedrock and Google Cloud go by the resource's region and by what stands
/// before the model's id; a scope that claims more than that would let a requirement rest on what is not so.
/// </summary>
internal static class ScopeRules
{
    private const string Anywhere = "global", Region = "region:", Zone = "data-zone:";

    /// <param name="name">What the platform calls the deployment.</param>
    /// <param name="region">The resource's.</param>
    public static void Check(TextNode? scope, string? name, Platform? platform, string? region, ConfigReading reading)
    {
        if (scope is null || scope.Value == Anywhere || name is null || region is null || platform is not (Platform.Bedrock or Platform.Vertex) || reading.Catalog is not { } catalog)
            return;
        var facts = catalog.PlatformOf(platform.Value);
        // An ARN ends in the id.
        var id = name[(name.LastIndexOf('/') + 1)..];
        if (Array.Find(facts.IdPrefixes, p => id.StartsWith(p, StringComparison.Ordinal)) is { } prefix)
        {
            var routed = prefix[..^1] == Anywhere ? Anywhere : Zone + prefix[..^1];
            if (scope.Value != routed)
                reading.Error(scope, $"{ConfigText.Quote(id)} is routed by its profile, and not to {ConfigText.Quote(scope.Value)}; accepted: {routed}{(routed == Anywhere ? "" : $", or {Anywhere} to claim less")}");
        }
        else if (scope.Value.StartsWith(Region, StringComparison.Ordinal) && scope.Value != Region + region)
            reading.Error(scope, $"the resource is asked in {region}, so that {ConfigText.Quote(scope.Value)} does not hold; accepted: {Region}{region}, or a resource in {scope.Value[Region.Length..]}");
        else if (scope.Value.StartsWith(Zone, StringComparison.Ordinal) && (platform == Platform.Vertex || id.StartsWith("anthropic.", StringComparison.Ordinal)))
            CheckZone(scope, region, facts, reading);
    }

    private static void CheckZone(TextNode scope, string region, CatalogPlatform facts, ConfigReading reading)
    {
        var zone = scope.Value[Zone.Length..];
        if (Array.Find(facts.Regions, r => r.Name == region) is not { } known)
            reading.Warn(scope, $"the catalog does not know the region {ConfigText.Quote(region)}, so that nothing but this line says that it is within {ConfigText.Quote(zone)}");
        else if (known.Geography != zone)
            reading.Error(scope, $"the resource is asked in {region}, which is not within {ConfigText.Quote(zone)}; accepted: {string.Join(", ", known.Scopes)}, or a resource within {zone}");
    }
}
