namespace Demarc.Governance.Boundaries;

/// <summary>What the reader has gathered so far.</summary>
internal sealed class CatalogContents
{
    private readonly Dictionary<string, List<CatalogSource>> _factSources = new(StringComparer.Ordinal);

    public Dictionary<string, CatalogSource> Sources { get; } = new(StringComparer.Ordinal);

    public List<CatalogPlatform> Platforms { get; } = [];

    public List<CatalogFeature> Features { get; } = [];

    public List<CatalogModel> Models { get; } = [];

    public List<CatalogMultiplier> Multipliers { get; } = [];

    public List<CatalogOverhead> Overheads { get; } = [];

    /// <summary>Every id and alias of every model.</summary>
    public Dictionary<string, CatalogModel> ModelsByName { get; } = new(StringComparer.Ordinal);

    /// <summary>The price of a million web searches, nano-dollars.</summary>
    public long WebSearch { get; set; }

    public CodeExecutionCharge CodeExecution { get; set; } = new(0, 0, 0, []);

    /// <summary>
    /// Reads the <c>sources</c> of a fact and counts it to a section. A fact without one, or with one that is
    /// not described, is a problem.
    /// </summary>
    public CatalogSource[] SourcesOf(JsonFields fact, string section)
    {
        var ids = fact.IsAbsent || fact.Has("sources") ? fact.Texts("sources") : [];
        if (ids.Length == 0 && !fact.IsAbsent)
            fact.Wrong("sources", "a fact needs at least one source; name an id that $.sources describes");
        var found = new List<CatalogSource>(ids.Length);
        foreach (var id in ids)
        {
            if (Sources.TryGetValue(id, out var source))
                found.Add(source);
            else
                fact.Wrong("sources", $"'{id}' is not described under $.sources");
        }
        if (found.Count > 0)
        {
            if (!_factSources.TryGetValue(section, out var all))
                _factSources[section] = all = [];
            // A fact is as fresh as the source of it that was looked at longest ago.
            all.Add(found.MinBy(s => (s.Seen, s.Date))!);
        }
        return [.. found];
    }

    public CatalogSection[] Sections() =>
    [
        .. _factSources.Select(section => new CatalogSection(
            section.Key,
            section.Value.Count,
            section.Value.Min(s => s.Seen),
            section.Value.Min(s => s.Date))),
    ];
}
