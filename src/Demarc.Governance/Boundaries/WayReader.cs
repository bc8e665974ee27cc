namespace Demarc.Governance.Boundaries;

/// <summary>Reads <c>catalog/ways.json</c>, strictly: a verdict without a source, and a way that a requirement leaves out, are problems.</summary>
internal sealed class WayReader
{
    private static readonly Dictionary<string, RequirementForm> Forms = Enum.GetValues<RequirementForm>().ToDictionary(f => f.ToString().ToLowerInvariant());
    private static readonly Dictionary<string, bool> States = new() { ["built"] = true, ["planned"] = false };
    private static readonly Dictionary<string, bool> Effects = new() { ["gives"] = true, ["keeps"] = false };

    private readonly CatalogContents _contents = new();
    private readonly Dictionary<string, string> _ways = [];

    public static WayKnowledge Read(JsonFields root, Catalog catalog) => new WayReader().ReadRoot(root, catalog);

    private WayKnowledge ReadRoot(JsonFields root, Catalog catalog)
    {
        CatalogReader.ReadSources(root, _contents);
        foreach (var source in catalog.Sources)
        {
            if (!_contents.Sources.TryAdd(source.Id, source))
                root.Wrong("sources", $"'{source.Id}' is a source of the catalog already");
        }
        Way[] ways = [.. root.Objects("ways").Select(ReadWay)];
        WayRequirement[] requirements = [.. root.Objects("requirements").Select(ReadRequirement)];
        foreach (var twice in requirements.GroupBy(r => r.Key).Where(g => g.Count() > 1))
            root.Wrong("requirements", $"'{twice.Key}' is there twice");
        DemarcClaim[] claims = [.. root.Objects("demarc").Select(c => ReadClaim(c, requirements))];
        foreach (var twice in claims.SelectMany(c => c.Ways.Select(w => (c.Requirement, Way: w))).GroupBy(c => c).Where(g => g.Count() > 1))
            root.Wrong("demarc", $"'{twice.Key.Requirement}' is claimed twice for '{twice.Key.Way}'");
        root.Done();
        return new WayKnowledge(ways, requirements, claims);
    }

    private Way ReadWay(JsonFields fields)
    {
        var platform = fields.Has("platform");
        var way = new Way(
            fields.Text("id"),
            fields.Text("title"),
            platform ? fields.Choice("platform", CatalogNames.Platforms) : null,
            platform ? fields.Choice("hosting", CatalogNames.Hostings) : null,
            fields.OptionalText("behind"));
        if (!_ways.TryAdd(way.Id, way.Title))
            fields.Wrong("id", $"'{way.Id}' is there twice");
        fields.Done();
        return way;
    }

    private WayRequirement ReadRequirement(JsonFields fields)
    {
        var requirement = new WayRequirement(
            fields.Text("key"),
            fields.Text("title"),
            fields.Choice("form", Forms),
            fields.OptionalText("unit"),
            fields.OptionalTexts("values"),
            [.. fields.Objects("verdicts").Select(ReadVerdict)]);
        if (requirement.Form == RequirementForm.Words && requirement.Values.Length == 0)
            fields.Wrong("values", "a requirement of words needs the words");
        foreach (var way in _ways.Keys)
        {
            var cases = Array.FindAll(requirement.Verdicts, v => v.Ways.Contains(way));
            if (cases.Length == 0 || !cases[^1].IsAlways)
                fields.Wrong("verdicts", $"'{way}' has no verdict that always applies, as its last");
            if (cases.SkipLast(1).Any(v => v.IsAlways))
                fields.Wrong("verdicts", $"'{way}' has a verdict behind one that always applies");
        }
        fields.Done();
        return requirement;
    }

    private WayVerdict ReadVerdict(JsonFields fields)
    {
        var verdict = new WayVerdict(
            Ways(fields),
            fields.Has("within") ? fields.Texts("within") : null,
            fields.OptionalCount("from"),
            fields.OptionalCount("to"),
            fields.Choice("verdict", Verdicts.Names),
            fields.Text("why"),
            _contents.SourcesOf(fields, "verdicts"));
        if (verdict is { Verdict: Verdict.Disputed, Sources.Length: < 2 })
            fields.Wrong("sources", "a dispute needs the sources of both sides");
        fields.Done();
        return verdict;
    }

    private DemarcClaim ReadClaim(JsonFields fields, WayRequirement[] requirements)
    {
        var key = fields.Text("requirement");
        if (Array.TrueForAll(requirements, r => r.Key != key))
            fields.Wrong("requirement", $"'{key}' is no requirement");
        var gives = fields.Choice("effect", Effects);
        var claim = new DemarcClaim(
            key,
            Ways(fields),
            fields.Choice("state", States),
            gives ? fields.Choice("verdict", Verdicts.Names) : null,
            fields.Has("today") ? fields.Choice("today", Verdicts.Names) : null,
            fields.Text("why"),
            _contents.SourcesOf(fields, "verdicts"));
        if (claim is { IsBuilt: true, Today: not null })
            fields.Wrong("today", "what is built has no verdict until then");
        fields.Done();
        return claim;
    }

    private string[] Ways(JsonFields fields)
    {
        var ids = fields.Texts("ways");
        if (ids is ["*"])
            return [.. _ways.Keys];
        foreach (var id in ids.Where(id => !_ways.ContainsKey(id)))
            fields.Wrong("ways", $"'{id}' is no way");
        return ids;
    }
}
