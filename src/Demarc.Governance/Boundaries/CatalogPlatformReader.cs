namespace Demarc.Governance.Boundaries;

/// <summary>Reads one of <c>$.platforms</c>.</summary>
internal static class CatalogPlatformReader
{
    private const string Section = "platforms";

    public static void Read(JsonFields fields, CatalogContents contents)
    {
        var platform = fields.Choice("name", CatalogNames.Platforms);
        if (contents.Platforms.Exists(p => p.Platform == platform))
            fields.Wrong("name", $"'{platform.Wire()}' is there twice");
        var sources = contents.SourcesOf(fields, Section);
        CatalogHosting[] hostings = [.. fields.Objects("hostings").Select(h => ReadHosting(h, contents))];
        CatalogScope[] scopes = [.. fields.Objects("scopes").Select(s => ReadScope(s, hostings, contents))];
        contents.Platforms.Add(new(
            platform,
            Template(fields, "endpoint"),
            fields.OptionalTexts("id_prefixes"),
            hostings,
            scopes,
            [.. fields.Objects("regions").Select(r => ReadRegion(r, scopes, contents))],
            fields.Flag("regions_complete"),
            sources));
        fields.Done();
    }

    private static CatalogHosting ReadHosting(JsonFields fields, CatalogContents contents)
    {
        var hosting = new CatalogHosting(
            fields.Choice("name", CatalogNames.Hostings),
            CatalogViewReader.Read(fields, contents),
            contents.SourcesOf(fields, Section));
        fields.Done();
        return hosting;
    }

    private static CatalogScope ReadScope(JsonFields fields, CatalogHosting[] hostings, CatalogContents contents)
    {
        var scope = new CatalogScope(
            fields.Text("name"),
            fields.Text("title"),
            fields.Has("hostings") ? fields.Choices("hostings", CatalogNames.Hostings) : [.. hostings.Select(h => h.Hosting)],
            contents.SourcesOf(fields, Section));
        fields.Done();
        return scope;
    }

    private static CatalogRegion ReadRegion(JsonFields fields, CatalogScope[] scopes, CatalogContents contents)
    {
        var region = new CatalogRegion(
            fields.Text("name"),
            fields.Text("title"),
            fields.Text("geography"),
            fields.Texts("scopes"),
            fields.Has("endpoint") ? Template(fields, "endpoint") : null,
            contents.SourcesOf(fields, Section));
        foreach (var scope in region.Scopes)
        {
            if (!Array.Exists(scopes, s => s.Name == scope || (s.Name == "region:*" && scope == $"region:{region.Name}")))
                fields.Wrong("scopes", $"the platform has no scope '{scope}'");
        }
        fields.Done();
        return region;
    }

    private static string Template(JsonFields fields, string field)
    {
        var template = fields.Text(field);
        var sample = template.Replace("{resource}", "r", StringComparison.Ordinal).Replace("{region}", "r", StringComparison.Ordinal);
        if (template.Length > 0 && !(Uri.TryCreate(sample, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps && !template.EndsWith('/')))
            fields.Wrong(field, "an https address without a trailing slash is expected; {resource} and {region} may stand in it");
        return template;
    }
}
