namespace Demarc.Governance.Boundaries;

/// <summary>Reads one of <c>$.features</c>.</summary>
internal static class CatalogFeatureReader
{
    private const string Section = "features";

    public static void Read(JsonFields fields, CatalogContents contents)
    {
        var zdr = ZdrEligibility.Unstated;
        CatalogSource[] zdrSources = [];
        long? days = null;
        if (fields.Has("zdr"))
        {
            var retention = fields.Object("zdr");
            zdr = retention.Choice("eligible", CatalogNames.ZdrEligibilities);
            days = retention.OptionalCount("days");
            zdrSources = contents.SourcesOf(retention, Section);
            retention.Done();
        }
        var baa = ZdrEligibility.Unstated;
        if (fields.Has("baa"))
        {
            var covered = fields.Object("baa");
            baa = covered.Choice("eligible", CatalogNames.ZdrEligibilities);
            contents.SourcesOf(covered, Section);
            covered.Done();
        }
        var feature = new CatalogFeature
        {
            Id = fields.Text("id"),
            Name = fields.Text("name"),
            Path = fields.OptionalText("path"),
            Note = fields.OptionalText("note"),
            Zdr = zdr,
            ZdrSources = zdrSources,
            RetentionDays = (int?)days,
            Baa = baa,
            Sources = contents.SourcesOf(fields, Section),
        };
        ReadAvailability(fields.Object("availability"), feature, contents);
        if (contents.Features.Exists(f => f.Id == feature.Id))
            fields.Wrong("id", $"'{feature.Id}' is there twice");
        contents.Features.Add(feature);
        fields.Done();
    }

    /// <summary>Keys are a platform with one hosting option, or <c>platform/hosting</c>; every option must be named.</summary>
    private static void ReadAvailability(JsonFields fields, CatalogFeature feature, CatalogContents contents)
    {
        foreach (var platform in contents.Platforms)
        {
            foreach (var hosting in platform.Hostings)
            {
                var key = platform.Hostings.Length == 1
                    ? platform.Platform.Wire()
                    : $"{platform.Platform.Wire()}/{hosting.Hosting.Wire()}";
                feature.Set(platform.Platform, hosting.Hosting, fields.Choice(key, CatalogNames.Availabilities));
            }
        }
        fields.Done();
    }
}
