using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>Whether the catalog knows where a resource and its deployments are: what it does not know satisfies no requirement on a place.</summary>
internal static class RegionRules
{
    public static void Check(TextNode? region, Platform? platform, ConfigReading reading)
    {
        if (region is null || platform is null || reading.Catalog is not { } catalog || !NameRules.IsWord(region.Value))
            return;
        var facts = catalog.PlatformOf(platform.Value);
        string[] known = [.. facts.Regions.Select(r => r.Name)];
        // A platform of which the catalog names no region at all: where it is says nothing that this one could be wrong about.
        if (known.Contains(region.Value) || (known.Length == 0 && !facts.RegionsComplete))
            return;
        var near = ConfigText.DidYouMean(region.Value, known);
        if (!facts.RegionsComplete)
            reading.Warn(region, $"the catalog does not know the region {ConfigText.Quote(region.Value)} of {platform.Value.Wire()}, so that it is in no geography that a policy can require{near}");
        else if (known.Length == 0)
            reading.Error(region, $"{platform.Value.Wire()} has no regions; leave region out, the deployments' scope says where inference runs");
        else
            reading.Error(region, $"unknown region {ConfigText.Quote(region.Value)}; accepted: {string.Join(", ", known)}{near}");
    }
}
