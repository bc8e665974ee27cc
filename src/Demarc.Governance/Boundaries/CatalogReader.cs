using System.Collections.Frozen;
using System.Text.Json;

namespace Demarc.Governance.Boundaries;

/// <summary>Reads the catalog file section by section, strictly: unknown keys and facts without a source are problems.</summary>
internal static class CatalogReader
{
    /// <exception cref="CatalogException">Names every problem.</exception>
    public static CatalogContents Read(ReadOnlySpan<byte> json)
    {
        var problems = new List<CatalogProblem>();
        var contents = new CatalogContents();
        try
        {
            ReadRoot(new JsonFields(JsonElement.Parse(json), "$", problems), contents);
        }
        catch (JsonException malformed)
        {
            problems.Add(new("$", malformed.Message));
        }
        return problems.Count == 0 ? contents : throw new CatalogException(problems);
    }

    private static void ReadRoot(JsonFields root, CatalogContents contents)
    {
        ReadSources(root, contents);
        foreach (var platform in root.Objects("platforms"))
            CatalogPlatformReader.Read(platform, contents);
        foreach (var missing in CatalogNames.Platforms.Where(p => contents.Platforms.TrueForAll(known => known.Platform != p.Value)))
            root.Wrong("platforms", $"'{missing.Key}' is missing");
        foreach (var feature in root.Objects("features"))
            CatalogFeatureReader.Read(feature, contents);
        ReadCharges(root.Object("charges"), contents);
        foreach (var model in root.Objects("models"))
            CatalogModelReader.Read(model, contents);
        if (contents.Models.TrueForAll(m => m.Prices.Length == 0))
            root.Wrong("models", "no model has a price: nothing could be priced, not even by the fallback");
        foreach (var multiplier in root.Objects("multipliers"))
            ReadMultiplier(multiplier, contents);
        foreach (var overhead in root.Objects("overheads"))
            ReadOverhead(overhead, contents);
        root.Done();
    }

    public static void ReadSources(JsonFields root, CatalogContents contents)
    {
        var sources = root.Object("sources");
        foreach (var id in sources.Names)
        {
            var fields = sources.Object(id);
            Uri? url = null;
            string title;
            if (fields.Has("observed"))
            {
                title = $"observed: {fields.Text("observed")}";
            }
            else
            {
                title = fields.Text("title");
                if (fields.Text("url") is { Length: > 0 } text && !(Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme == Uri.UriSchemeHttps))
                    fields.Wrong("url", $"'{text}' is no https address");
            }
            contents.Sources[id] = new(id, title, url, fields.Date("date"), fields.Date("seen"), fields.OptionalText("note"));
            fields.Done();
        }
    }

    private static void ReadCharges(JsonFields charges, CatalogContents contents)
    {
        var search = charges.Object("web_search_per_1000");
        // Twelve decimals, not nine: dollars for a thousand become nano-dollars for a million.
        contents.WebSearch = search.Decimal("usd", decimals: 12);
        contents.SourcesOf(search, "prices");
        search.Done();
        // An operator's file of before this charge was known still reads.
        if (charges.Has("code_execution_hour"))
        {
            var hour = charges.Object("code_execution_hour");
            contents.CodeExecution = new(
                hour.Decimal("usd", decimals: 9), hour.Count("minimum_minutes"), hour.Count("free_hours_a_month"), contents.SourcesOf(hour, "prices"));
            hour.Done();
        }
        charges.Done();
    }

    private static void ReadMultiplier(JsonFields fields, CatalogContents contents)
    {
        var name = fields.Text("name");
        var perMille = fields.Decimal("factor", decimals: 3);
        var batch = fields.Has("batch") && fields.Flag("batch");
        var except = fields.OptionalTexts("except");
        foreach (var id in except)
        {
            if (!contents.Models.Exists(m => m.Id == id))
                fields.Wrong("except", $"'{id}' is no model of this catalog");
        }
        if (perMille > 100_000)
            fields.Wrong("factor", "a factor of 100 at most is expected");
        contents.Multipliers.Add(new(
            name,
            (int)perMille,
            batch,
            fields.Choices("platforms", CatalogNames.Platforms),
            batch ? [] : fields.Texts("scopes"),
            except.ToFrozenSet(StringComparer.Ordinal),
            contents.SourcesOf(fields, "multipliers")));
        fields.Done();
    }

    private static void ReadOverhead(JsonFields fields, CatalogContents contents)
    {
        var overhead = new CatalogOverhead(
            fields.Text("name"),
            fields.Count("tokens"),
            fields.OptionalText("note"),
            contents.SourcesOf(fields, "overheads"));
        if (contents.Overheads.Exists(o => o.Name == overhead.Name))
            fields.Wrong("name", $"'{overhead.Name}' is there twice");
        contents.Overheads.Add(overhead);
        fields.Done();
    }
}
