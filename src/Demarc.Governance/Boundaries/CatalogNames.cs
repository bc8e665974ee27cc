using Demarc.Governance.Spend;

namespace Demarc.Governance.Boundaries;

/// <summary>The words of the catalog file and what they stand for.</summary>
internal static class CatalogNames
{
    public static readonly Dictionary<string, Platform> Platforms = Enum.GetValues<Platform>().ToDictionary(p => p.Wire());

    public static readonly Dictionary<string, Hosting> Hostings = Enum.GetValues<Hosting>().ToDictionary(h => h.Wire());

    public static readonly Dictionary<string, ZdrEligibility> ZdrEligibilities = new()
    {
        ["yes"] = ZdrEligibility.Yes,
        ["qualified"] = ZdrEligibility.Qualified,
        ["no"] = ZdrEligibility.No,
    };

    public static readonly Dictionary<string, Availability> Availabilities = new()
    {
        ["yes"] = Availability.Yes,
        ["beta"] = Availability.Beta,
        ["partial"] = Availability.Partial,
        ["no"] = Availability.No,
    };

    public static readonly Dictionary<string, ModelStatus> Statuses = new()
    {
        ["unknown"] = ModelStatus.Unknown,
        ["active"] = ModelStatus.Active,
        ["deprecated"] = ModelStatus.Deprecated,
        ["retired"] = ModelStatus.Retired,
    };

    public static readonly Dictionary<string, Speed> Speeds = new()
    {
        ["standard"] = Speed.Standard,
        ["fast"] = Speed.Fast,
    };
}
