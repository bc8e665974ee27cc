using System.Globalization;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>agreements</c>: the register of what binds whom. Days begin at midnight UTC.</summary>
internal static class AgreementSection
{
    private const string DayAccepted = "a day like 2026-08-31";

    private static readonly string[] Keys = ["name", "party", "category", "scope", "from", "until", "terms", "accepted", "zdr", "baa"];

    public static AgreementSnapshot[] Read(ConfigNode? node, ConfigReading reading)
    {
        var agreements = new List<AgreementSnapshot>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, Keys) is not { } map)
                continue;
            var name = reading.Text(map.Required("name", "a name that resources refer to, for example anthropic-commercial"));
            if (name is not null && !NameRules.IsWord(name.Value))
                reading.Error(name, $"{ConfigText.Quote(name.Value)} is no agreement; accepted: a-z, 0-9 and '._-', for example microsoft-dpa");
            else if (name is not null && agreements.Exists(a => a.Name == name.Value))
                reading.Error(name, $"{ConfigText.Quote(name.Value)} is described already; each agreement is accepted once");
            var party = Vocabulary.One(map.Required("party", string.Join(", ", FactKinds.Parties)), "party", FactKinds.Parties, reading);
            var (from, until) = Period(map.Get("from"), map.Get("until"), reading);
            var accepted = MapReader.Open(map.Get("accepted"), reading, ["date", "by"]);
            agreements.Add(new AgreementSnapshot(
                name?.Value ?? "",
                item.Path,
                party ?? "",
                map.Text("category")?.Value,
                Scope(map.Get("scope"), reading),
                from,
                until,
                Addendum(map.Get("zdr"), reading),
                Addendum(map.Get("baa"), reading),
                map.Text("terms")?.Value,
                Day(accepted?.Text("date"), reading),
                accepted?.Text("by")?.Value));
        }
        return [.. agreements];
    }

    /// <summary>A day; null when it is absent, or no day, which is an error.</summary>
    public static DateOnly? Day(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (DateOnly.TryParseExact(node.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            return day;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no day; accepted: {DayAccepted}");
        return null;
    }

    // executed: the day on which it was; "no" for one that is still being negotiated.
    private static Addendum? Addendum(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["executed", "until"]) is not { } map)
            return null;
        var executed = reading.Text(map.Required("executed", $"{DayAccepted}, or no"));
        if (executed is null or { Value: "no" or "false" })
            return new Addendum(null, null);
        var (from, until) = Period(executed, map.Get("until"), reading);
        return new Addendum(from, until);
    }

    private static (DateTimeOffset? From, DateTimeOffset? Until) Period(ConfigNode? from, ConfigNode? until, ConfigReading reading)
    {
        var first = Day(reading.Text(from), reading);
        var end = Day(reading.Text(until), reading);
        if (end <= first)
            reading.Error(until!, "it ends before it begins; accepted: the first day on which it no longer holds");
        return (Midnight(first), Midnight(end));
    }

    private static string[] Scope(ConfigNode? node, ConfigReading reading)
    {
        string[] known =
        [
            .. Enum.GetValues<Platform>().Select(p => p.Wire()),
            .. Enum.GetValues<Platform>().SelectMany(p => Enum.GetValues<Hosting>().Select(h => $"{p.Wire()}/{h.Wire()}")),
        ];
        return Vocabulary.List(node, "scope", known, reading) ?? [];
    }

    private static DateTimeOffset? Midnight(DateOnly? day) => day is { } d ? new DateTimeOffset(d, TimeOnly.MinValue, TimeSpan.Zero) : null;
}
