namespace Demarc.Governance.Boundaries;

/// <summary>
/// Where something is: a geography such as <c>eu</c> or <c>us</c>, <c>global</c> for anywhere, or a region within one,
/// written <c>eu/eu-west-1</c>.
/// </summary>
public static class Geography
{
    public const string Anywhere = "global";

    /// <summary>True when what is at <paramref name="place"/> is within <paramref name="allowed"/>, a geography or a region's name.</summary>
    public static bool IsWithin(string place, string allowed)
    {
        if (allowed == Anywhere || place == allowed)
            return true;
        var slash = place.IndexOf('/', StringComparison.Ordinal);
        return slash >= 0
            && (place.AsSpan(0, slash).SequenceEqual(allowed) || place.AsSpan(slash + 1).SequenceEqual(allowed));
    }

    /// <summary>True when all of a settled fact's places are within one of those allowed.</summary>
    public static bool IsWithin(Fact places, string[] allowed)
    {
        if (!places.IsSettled || places.Values.Length == 0)
            return false;
        foreach (var place in places.Values)
        {
            if (!Array.Exists(allowed, a => IsWithin(place, a)))
                return false;
        }
        return true;
    }

    /// <summary>Where a scope lets inference run; null when the catalog does not know the region.</summary>
    internal static string? OfScope(string scope, CatalogPlatform platform) =>
        scope.StartsWith("data-zone:", StringComparison.Ordinal) ? scope["data-zone:".Length..]
        : scope.StartsWith("region:", StringComparison.Ordinal) ? OfRegion(scope["region:".Length..], platform)
        : Anywhere;

    /// <summary>Where a region is; null when the catalog does not know it.</summary>
    internal static string? OfRegion(string? region, CatalogPlatform platform) =>
        Array.Find(platform.Regions, r => r.Name == region) is not { } known ? null
        : known.Name == known.Geography ? known.Name
        : $"{known.Geography}/{known.Name}";
}
