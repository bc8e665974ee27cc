using System.Globalization;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>A file of requirements for <c>demarc advise</c>: YAML, a key for each.</summary>
public static class RequirementsFile
{
    /// <summary>What is asked, in the order of the file, and every problem; with one that is an error nothing is to be judged.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static (Asked[] Asked, IReadOnlyList<ConfigProblem> Problems) Read(string path, WayKnowledge known, Catalog catalog)
    {
        var reading = new ConfigReading(Path.GetDirectoryName(Path.GetFullPath(path))!, ConfigSources.Process);
        var asked = ConfigReading.Utf8(System.IO.File.ReadAllBytes(path)) is { } text
            ? Asked(YamlTree.Read(text, reading), known, catalog, reading)
            : [];
        if (asked.Length == 0 && !reading.Failed)
            reading.Error("", 1, 1, $"nothing is required; accepted: {string.Join(", ", known.Requirements.Select(r => r.Key))}");
        return (asked, [.. reading.Problems.OrderBy(p => p.Line).ThenBy(p => p.Column)]);
    }

    private static Asked[] Asked(ConfigNode? root, WayKnowledge known, Catalog catalog, ConfigReading reading)
    {
        if (MapReader.Open(root, reading, [.. known.Requirements.Select(r => r.Key)]) is not { } map)
            return [];
        string[] places =
        [
            .. catalog.Platforms.SelectMany(p => p.Regions).Select(r => r.Geography)
                .Concat(known.Requirements.Where(r => r.Form == RequirementForm.Places).SelectMany(r => r.Verdicts).SelectMany(v => v.Within ?? []))
                .Distinct().Where(p => p != Geography.Anywhere).Order(StringComparer.Ordinal),
        ];
        return
        [
            .. map.Node.Entries
                .Select(entry => Array.Find(known.Requirements, r => r.Key == entry.Key) is { } requirement ? One(requirement, map, places, reading) : null)
                .OfType<Asked>(),
        ];
    }

    private static Asked? One(WayRequirement requirement, MapReader map, string[] places, ConfigReading reading)
    {
        switch (requirement.Form)
        {
            case RequirementForm.Flag:
                return Vocabulary.Flag(map.Get(requirement.Key), reading) ? new Asked(requirement, 0, []) : null;
            case RequirementForm.Count:
                var count = map.Text(requirement.Key);
                if (count is null)
                    return null;
                if (long.TryParse(count.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
                    return new Asked(requirement, number, []);
                reading.Error(count, $"{ConfigText.Quote(count.Value)} is no whole number above zero{(requirement.Unit is { } unit ? $", of {unit}" : "")}");
                return null;
            default:
                string[] words = requirement.Form == RequirementForm.Words ? requirement.Values : places;
                return Vocabulary.List(map.Get(requirement.Key), requirement.Key, words, reading) is { Length: > 0 } values ? new Asked(requirement, 0, values) : null;
        }
    }
}
