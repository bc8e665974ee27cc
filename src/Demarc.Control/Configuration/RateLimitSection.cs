using System.Globalization;
using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>rates</c> of a policy, and the same limits of a deployment.</summary>
internal static class RateLimitSection
{
    private const int MostRequests = 1_000_000;
    private const long MostTokens = 1_000_000_000;

    private static readonly string[] Pers = ["person", "key", "pool"];

    /// <param name="place"><c>policies[0]</c>.</param>
    public static PolicyRate[] Read(ConfigNode? node, string place, ConfigReading reading)
    {
        var rates = new List<PolicyRate>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, ["per", "requests_per_minute", "tokens_per_minute", "concurrent"]) is not { } map)
                continue;
            var per = Vocabulary.One(map.Required("per", string.Join(", ", Pers)), "division", Pers, reading);
            var limit = Limit(map, reading);
            if (limit.IsNone && !map.Mentions("requests_per_minute") && !map.Mentions("tokens_per_minute") && !map.Mentions("concurrent"))
                reading.Error(item, "limits nothing; accepted: requests_per_minute, tokens_per_minute, concurrent");
            if (per is not null)
                rates.Add(new PolicyRate($"{place}.rates[{rates.Count}]", (RatePer)Array.IndexOf(Pers, per), limit));
        }
        return [.. rates];
    }

    public static RateLimit Limit(MapReader map, ConfigReading reading) => new(
        (int?)Number(map.Text("requests_per_minute"), MostRequests, "requests a minute", reading),
        Number(map.Text("tokens_per_minute"), MostTokens, "tokens a minute", reading),
        (int?)Number(map.Text("concurrent"), MostRequests, "requests at the same time", reading));

    private static long? Number(TextNode? node, long most, string what, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (long.TryParse(node.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var rate) && rate >= 1 && rate <= most)
            return rate;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no rate; accepted: 1 to {most.ToString(CultureInfo.InvariantCulture)} {what}");
        return null;
    }
}
