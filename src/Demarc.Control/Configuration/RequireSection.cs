using System.Globalization;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>The keys <c>require</c> and <c>deny</c> of a policy.</summary>
internal static class RequireSection
{
    private const int MostDays = 3650;

    private static readonly string[] RequireKeys =
    [
        "inference", "at_rest", "processor", "operator", "seller", "platform", "hosting", "agreement", "features", "zdr", "baa",
        "max_retention_days", "human_access", "network", "third_parties",
    ];

    private static readonly string[] DenyKeys = ["models", "resources", "platform", "hosting", "processor", "operator", "inference", "features"];

    private static readonly string[] Platforms = [.. Enum.GetValues<Platform>().Select(p => p.Wire())];

    private static readonly string[] Hostings = [.. Enum.GetValues<Hosting>().Select(h => h.Wire())];

    public static Requirements Require(ConfigNode? node, string[] agreements, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, RequireKeys) is not { } map)
            return Requirements.None;
        if (map.Node.Entries.Count == 0)
            reading.Error(map.Node, $"requires nothing; accepted: {string.Join(", ", RequireKeys)}, or leave require out");
        var features = Features(reading);
        var network = Vocabulary.One(map.Get("network"), "network", ["private"], reading);
        return new Requirements
        {
            Inference = Vocabulary.List(map.Get("inference"), "geography or region", reading.Catalog?.Places, reading),
            AtRest = Vocabulary.List(map.Get("at_rest"), "geography or region", reading.Catalog?.Places, reading),
            Processor = Vocabulary.List(map.Get("processor"), "party", FactKinds.Parties, reading),
            Operator = Vocabulary.List(map.Get("operator"), "party", FactKinds.Parties, reading),
            Seller = Vocabulary.List(map.Get("seller"), "party", FactKinds.Parties, reading),
            Platform = Vocabulary.List(map.Get("platform"), "platform", Platforms, reading),
            Hosting = Vocabulary.List(map.Get("hosting"), "hosting", Hostings, reading),
            Agreements = Vocabulary.List(map.Get("agreement"), "agreement", agreements, reading) ?? [],
            Features = Vocabulary.List(map.Get("features"), "feature", features, reading) ?? [],
            Zdr = Vocabulary.Flag(map.Get("zdr"), reading),
            Baa = Vocabulary.Flag(map.Get("baa"), reading),
            MaxRetentionDays = Days(map.Text("max_retention_days"), reading),
            HumanAccess = Vocabulary.One(map.Get("human_access"), "human access", ["none", "flagged"], reading),
            PrivateNetwork = network is not null,
            ThirdParties = Vocabulary.List(map.Get("third_parties"), "feature", features, reading) ?? [],
        };
    }

    /// <param name="names">What a model list can name.</param>
    /// <param name="resources">Names of resources.</param>
    public static Denials Deny(ConfigNode? node, IReadOnlySet<string> names, string[] resources, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, DenyKeys) is not { } map)
            return Denials.None;
        if (map.Node.Entries.Count == 0)
            reading.Error(map.Node, $"denies nothing; accepted: {string.Join(", ", DenyKeys)}, or leave deny out");
        return new Denials
        {
            Models = map.Get("models") is { } models ? PolicySection.Models(models, names, reading) : [],
            Resources = Vocabulary.List(map.Get("resources"), "resource", resources, reading) ?? [],
            Platform = Vocabulary.List(map.Get("platform"), "platform", Platforms, reading) ?? [],
            Hosting = Vocabulary.List(map.Get("hosting"), "hosting", Hostings, reading) ?? [],
            Processor = Vocabulary.List(map.Get("processor"), "party", FactKinds.Parties, reading) ?? [],
            Operator = Vocabulary.List(map.Get("operator"), "party", FactKinds.Parties, reading) ?? [],
            Inference = Vocabulary.List(map.Get("inference"), "geography or region", reading.Catalog?.Places, reading) ?? [],
            Features = Vocabulary.List(map.Get("features"), "feature", Features(reading), reading) ?? [],
        };
    }

    private static string[]? Features(ConfigReading reading) => reading.Catalog is { } catalog ? [.. catalog.Features.Select(f => f.Id)] : null;

    private static int? Days(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (int.TryParse(node.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days <= MostDays)
            return days;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no number of days; accepted: 0 to {MostDays}");
        return 0;
    }
}
