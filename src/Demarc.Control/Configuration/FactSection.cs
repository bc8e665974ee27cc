using System.Globalization;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>What the operator declares of one platform, or of one hosting option of it.</summary>
/// <param name="Hosting">Null for every hosting option.</param>
public sealed record PlatformFacts(Platform Platform, Hosting? Hosting, FactDeclaration[] Facts);

/// <summary>The keys <c>facts</c>: the operator's own word on facts, each with its reason.</summary>
internal static class FactSection
{
    /// <summary>Those at the top level, by platform.</summary>
    public static PlatformFacts[] ReadPlatforms(ConfigNode? node, string[] agreements, ConfigReading reading)
    {
        if (node is null)
            return [];
        var platforms = Enum.GetValues<Platform>().ToDictionary(p => p.Wire(), p => (p, (Hosting?)null));
        foreach (var platform in Enum.GetValues<Platform>())
        {
            foreach (var hosting in Enum.GetValues<Hosting>())
                platforms[$"{platform.Wire()}/{hosting.Wire()}"] = (platform, hosting);
        }
        if (MapReader.Open(node, reading, [.. platforms.Keys]) is not { } map)
            return [];
        return
        [
            .. map.Node.Entries.Where(e => platforms.ContainsKey(e.Key)).Select(e => new PlatformFacts(
                platforms[e.Key].p, platforms[e.Key].Item2, Read(e.Value, agreements, reading))),
        ];
    }

    /// <summary>Those of a resource or a deployment: from <c>storage.zdr</c> to <c>{ value, reason, agreement, date }</c>.</summary>
    public static FactDeclaration[] Read(ConfigNode? node, string[] agreements, ConfigReading reading)
    {
        if (node is null or { IsNull: true })
            return [];
        if (MapReader.Open(node, reading, [.. FactName.All.Keys]) is not { } map)
            return [];
        return
        [
            .. map.Node.Entries.Where(e => FactName.All.ContainsKey(e.Key))
                .Select(e => Declaration(FactName.All[e.Key], e, map.Node.Path, agreements, reading)).OfType<FactDeclaration>(),
        ];
    }

    private static FactDeclaration? Declaration(FactName name, MapEntry entry, string place, string[] agreements, ConfigReading reading)
    {
        if (MapReader.Open(entry.Value, reading, ["value", "reason", "agreement", "date"]) is not { } map)
            return null;
        var values = Values(name.Kind, map.Required("value", Accepted(name.Kind)), reading);
        var reason = reading.Text(map.Required("reason", "why this is so, for those who read it later"));
        if (reason is not null && string.IsNullOrWhiteSpace(reason.Value))
            reading.Error(reason, "the reason is empty; accepted: why this is so");
        var agreement = Vocabulary.One(map.Get("agreement"), "agreement", agreements, reading);
        var date = AgreementSection.Day(map.Text("date"), reading);
        return values is null or [] || reason is null ? null : new FactDeclaration(name, values, reason.Value, $"{place}.{name}", agreement, date);
    }

    private static string[]? Values(FactKind kind, ConfigNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (!kind.IsList() && node is ListNode)
        {
            reading.Error(node, $"a list; accepted: {Accepted(kind)}");
            return null;
        }
        if (kind.CountsDays())
        {
            if (reading.Text(node) is not { } text)
                return null;
            if (int.TryParse(text.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var days))
                return [days.ToString(CultureInfo.InvariantCulture)];
            reading.Error(text, $"{ConfigText.Quote(text.Value)} is no number of days; accepted: {Accepted(kind)}");
            return null;
        }
        return Vocabulary.List(node, kind.Wire(), kind == FactKind.Geography ? reading.Catalog?.Places : kind.Words(), reading);
    }

    private static string Accepted(FactKind kind) =>
        kind.CountsDays() ? "a number of days"
        : kind == FactKind.Geography ? "geographies such as eu, or regions"
        : kind.Words() is { } words ? string.Join(", ", words)
        : "names";
}
