using Demarc.Governance.Spend;

namespace Demarc.Governance.Boundaries;

/// <summary>Reads one of <c>$.models</c>.</summary>
internal static class CatalogModelReader
{
    private const string Section = "models";

    public static void Read(JsonFields fields, CatalogContents contents)
    {
        // 1. What each group of facts says.
        var lifecycle = fields.Object("lifecycle");
        var status = lifecycle.Choice("status", CatalogNames.Statuses);
        var retirement = lifecycle.OptionalDate("retirement");
        var released = fields.Has("released") ? fields.Object("released") : null;
        var retention = fields.Has("retention") ? fields.Object("retention") : null;
        var model = new CatalogModel
        {
            Id = fields.Text("id"),
            Name = fields.Text("name"),
            Aliases = fields.OptionalTexts("aliases"),
            ContextWindow = fields.OptionalCount("context_window"),
            MaxOutput = fields.OptionalCount("max_output"),
            Sources = contents.SourcesOf(fields, Section),
            Released = released?.Date("date"),
            Status = status,
            Deprecated = lifecycle.OptionalDate("deprecated"),
            Retirement = retirement,
            RetirementNotSooner = retirement is not null && lifecycle.Flag("not_sooner_than"),
            Zdr = retention?.Flag("zdr"),
            RetentionDays = (int?)retention?.Count("days"),
            RetentionSources = retention is null ? [] : contents.SourcesOf(retention, Section),
            Offers = ReadOffers(fields.Object("offers"), status, contents),
            Prices = ReadPrices(fields, contents),
        };

        // 2. Every group has its sources and nothing unknown.
        foreach (var group in new[] { lifecycle, released })
        {
            if (group is null)
                continue;
            contents.SourcesOf(group, Section);
            group.Done();
        }
        retention?.Done();
        fields.Done();

        // 3. Every name leads to this model alone.
        if (contents.Models.Exists(m => m.Id == model.Id))
            fields.Wrong("id", $"'{model.Id}' is there twice");
        contents.Models.Add(model);
        AddName(fields, "id", model.Id, model, contents);
        foreach (var alias in model.Aliases)
            AddName(fields, "aliases", alias, model, contents);
        foreach (var offer in model.Offers)
        {
            foreach (var id in offer.Ids)
            {
                AddName(fields, "offers", id, model, contents);
                foreach (var prefix in contents.Platforms.Find(p => p.Platform == offer.Platform)?.IdPrefixes ?? [])
                    AddName(fields, "offers", prefix + id, model, contents);
            }
        }
    }

    private static CatalogOffer[] ReadOffers(JsonFields offers, ModelStatus status, CatalogContents contents)
    {
        var read = new List<CatalogOffer>();
        foreach (var name in offers.Names)
        {
            var fields = offers.Object(name);
            if (!CatalogNames.Platforms.TryGetValue(name, out var platform))
            {
                fields.Wrong($"none of {string.Join(", ", CatalogNames.Platforms.Keys)}");
                continue;
            }
            var offered = contents.Platforms.Find(p => p.Platform == platform)?.Hostings ?? [];
            read.Add(new(
                platform,
                fields.Texts("ids"),
                fields.Has("hostings") ? fields.Choices("hostings", CatalogNames.Hostings) : [.. offered.Select(h => h.Hosting)],
                fields.OptionalTexts("scopes"),
                fields.Has("status") ? fields.Choice("status", CatalogNames.Statuses) : status,
                contents.SourcesOf(fields, Section)));
            if (read[^1].Ids.Length == 0)
                fields.Wrong("ids", "an offer needs at least one id");
            fields.Done();
        }
        return [.. read];
    }

    private static CatalogPrice[] ReadPrices(JsonFields model, CatalogContents contents)
    {
        var prices = new List<CatalogPrice>();
        foreach (var fields in model.Objects("prices"))
        {
            var price = ReadPrice(fields, contents);
            if (price.Until <= price.From)
                fields.Wrong("until", "a price ends after its first day");
            if (prices.Exists(other => other.Speed == price.Speed && Overlap(other, price)))
                fields.Wrong("from", "two prices of the same speed hold on the same day; end the older one with \"until\"");
            prices.Add(price);
        }
        return [.. prices.OrderByDescending(p => p.From)];
    }

    private static CatalogPrice ReadPrice(JsonFields fields, CatalogContents contents)
    {
        var price = new CatalogPrice(
            fields.Date("from"),
            fields.OptionalDate("until"),
            fields.Has("speed") ? fields.Choice("speed", CatalogNames.Speeds) : Speed.Standard,
            new ModelPrice
            {
                Input = Dollars(fields, "input"),
                Output = Dollars(fields, "output"),
                CacheRead = Dollars(fields, "cache_read"),
                CacheWrite5m = Dollars(fields, "cache_write_5m"),
                CacheWrite1h = Dollars(fields, "cache_write_1h"),
                WebSearch = contents.WebSearch,
            },
            contents.SourcesOf(fields, "prices"));
        fields.Done();
        return price;
    }

    private static long Dollars(JsonFields fields, string field) => fields.Decimal(field, decimals: 9);

    private static bool Overlap(CatalogPrice a, CatalogPrice b) =>
        (a.Until is null || b.From < a.Until) && (b.Until is null || a.From < b.Until);

    private static void AddName(JsonFields fields, string field, string name, CatalogModel model, CatalogContents contents)
    {
        if (name.Length > 0 && !contents.ModelsByName.TryAdd(name, model) && contents.ModelsByName[name] != model)
            fields.Wrong(field, $"'{name}' already names {contents.ModelsByName[name].Id}");
    }
}
