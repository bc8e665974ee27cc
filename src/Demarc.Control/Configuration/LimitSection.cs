using Demarc.Governance.Spend;

namespace Demarc.Control.Configuration;

/// <summary>The keys <c>limits</c> of a policy and <c>refusals</c>.</summary>
internal static class LimitSection
{
    private static readonly string[] Pers = ["person", "key", "pool"];

    private const int MostText = 500;

    /// <param name="place"><c>policies[0]</c>.</param>
    /// <param name="resources">Names of resources.</param>
    /// <param name="match">What the policy matches, by the key of <c>match</c>.</param>
    public static SpendLimit[] Read(
        ConfigNode? node, string place, IReadOnlyDictionary<string, string[]> match, string[] resources, ConfigReading reading)
    {
        var pool = new LimitPool(match["groups"], match["users"]) { Workspaces = match["workspaces"], Projects = match["projects"], Classifications = match["classifications"] };
        var limits = new List<SpendLimit>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, ["per", "period", "amount_usd", "mode", "resource"]) is not { } map)
                continue;
            var per = Vocabulary.One(map.Required("per", string.Join(", ", Pers)), "division", Pers, reading);
            var period = Vocabulary.One(map.Required("period", string.Join(", ", LimitPeriods.Names)), "period", LimitPeriods.Names, reading);
            var mode = Vocabulary.One(map.Get("mode"), "mode", LimitModes.Names, reading) ?? LimitMode.Soft.Wire();
            var resource = Vocabulary.One(map.Get("resource"), "resource", resources, reading);
            if (reading.Text(map.Required("amount_usd", "dollars such as \"500.00\"")) is not { } amount || per is null || period is null)
                continue;
            if (SpendAmount.ParseUsd(amount.Value, out var nano) is { } problem)
                reading.Error(amount, $"{ConfigText.Quote(amount.Value)}: {problem}");
            var scope = per switch
            {
                "person" => LimitScope.Person,
                "key" => LimitScope.Key,
                // One organization is served, so that naming it is naming everyone.
                _ => match.All(m => m.Key == "organizations" || m.Value.Length == 0) ? LimitScope.Organization : LimitScope.Pool,
            };
            limits.Add(new SpendLimit(
                $"{place}.limits[{limits.Count}]", scope, (LimitPeriod)Array.IndexOf(LimitPeriods.Names, period), nano, (LimitMode)Array.IndexOf(LimitModes.Names, mode))
            {
                Resource = resource,
                Pool = scope == LimitScope.Pool ? pool : null,
            });
        }
        return [.. limits];
    }

    public static RefusalText Refusals(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["text", "link"]) is not { } map)
            return RefusalText.None;
        var text = map.Text("text");
        if (text is not null && (text.Value.Length > MostText || text.Value.Any(char.IsControl)))
            reading.Error(text, $"accepted: up to {MostText} characters, none of them a control character");
        return new RefusalText(text?.Value, UrlRules.Read(map.Text("link"), reading));
    }
}
