using System.Collections.Frozen;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Spend;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>rates</c> of a resource: what a contract says of its prices, in the order in which they are tried.</summary>
internal static class RateSection
{
    private const string DiscountAccepted = "a percentage from 0.001% to 100%, for example \"12.5%\"";
    private const string PriceAccepted = "US dollars for a million tokens in quotes, for example \"4.50\"";

    private static readonly string[] Prices = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"];

    private static readonly string[] OfPrices = ["speed", "web_search_per_1000"];

    private static readonly string[] Keys = ["models", "from", "until", "discount", "speed", .. Prices, "web_search_per_1000"];

    public static RateConfig[] Read(ConfigNode? node, ConfigReading reading)
    {
        var rates = new List<RateConfig>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, Keys) is { } map && Rate(map, reading) is { } rate)
                rates.Add(rate);
        }
        return [.. rates];
    }

    /// <summary>The rate as the request path reads it: models by the id that the catalog has for a name.</summary>
    public static NegotiatedRate Of(RateConfig rate, Catalog catalog) => new(
        rate.Models?.Select(name => catalog.FindModel(name)?.Id ?? name).ToFrozenSet(StringComparer.Ordinal),
        rate.From, rate.Until, rate.DiscountPerHundredThousand, rate.Price, rate.WebSearch, rate.Speed);

    private static RateConfig? Rate(MapReader map, ConfigReading reading)
    {
        var models = map.Get("models") is { } list ? reading.Texts(list) : null;
        if (map.Get("models") is ListNode { Items.Count: 0 } empty)
            reading.Error(empty, "an empty list is for no model; accepted: ids of models, or leave the key out for all");
        foreach (var model in models ?? [])
        {
            if (!reading.Sources.KnownModel(model.Value))
                reading.Warn(model, $"the catalog does not have the model {ConfigText.Quote(model.Value)}: the rate holds for deployments of that very name");
        }
        var (from, until) = (AgreementSection.Day(map.Text("from"), reading), AgreementSection.Day(map.Text("until"), reading));
        if (until <= from)
            reading.Error(map.Get("until")!, "it ends before it begins; accepted: the first day on which it no longer holds");

        var prices = Prices.Where(map.Mentions).ToArray();
        if (map.Mentions("discount") == prices.Length > 0)
        {
            reading.Error(map.Node, "a rate is either a discount on the list or prices of its own; accepted: discount, or input and output");
            return null;
        }
        if (map.Mentions("discount"))
        {
            foreach (var key in OfPrices.Where(map.Mentions))
                reading.Error(map.Get(key)!, $"'{key}' belongs to prices; a discount is on all of them");
            return Discount(map.Text("discount"), reading) is { } discount
                ? new RateConfig(Names(), from, until, discount, null, null, Speed.Standard)
                : null;
        }
        var input = Dollars(reading.Text(map.Required("input", PriceAccepted)), 9, reading);
        var output = Dollars(reading.Text(map.Required("output", PriceAccepted)), 9, reading);
        var (read, write5m, write1h) = (Dollars(map.Text("cache_read"), 9, reading), Dollars(map.Text("cache_write_5m"), 9, reading), Dollars(map.Text("cache_write_1h"), 9, reading));
        // Dollars for a thousand become nano-dollars for a million.
        var search = Dollars(map.Text("web_search_per_1000"), 12, reading);
        return input is null || output is null ? null : new RateConfig(Names(), from, until, 0, new ModelPrice
        {
            Input = input.Value,
            Output = output.Value,
            // Source: Pricing, "Prompt caching": the multipliers of the list.
            CacheRead = read ?? Times(input.Value, 10),
            CacheWrite5m = write5m ?? Times(input.Value, 125),
            CacheWrite1h = write1h ?? Times(input.Value, 200),
        }, search, ReadSpeed(map.Text("speed"), reading));

        string[]? Names() => models?.Select(m => m.Value).ToArray();
    }

    private static int? Discount(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (node.Value.EndsWith('%') && FixedPoint.TryParse(node.Value.AsSpan(0, node.Value.Length - 1), 3, out var thousandths) && thousandths is > 0 and <= 100_000)
            return (int)thousandths;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no discount; accepted: {DiscountAccepted}");
        return null;
    }

    private static long? Dollars(TextNode? node, int decimals, ConfigReading reading)
    {
        if (node is null)
            return null;
        // A million dollars is a mistake, and would bring products of it near overflow.
        if (FixedPoint.TryParse(node.Value, decimals, out var price) && price < 1_000_000 * NanoDollars.PerDollar)
            return price;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no price; accepted: {PriceAccepted}");
        return null;
    }

    private static Speed ReadSpeed(TextNode? node, ConfigReading reading)
    {
        if (node is not null and not { Value: "standard" or "fast" })
            reading.Error(node, $"unknown speed {ConfigText.Quote(node.Value)}; accepted: standard, fast");
        return node?.Value == "fast" ? Speed.Fast : Speed.Standard;
    }

    private static long Times(long price, int percent) => ((price * percent) + 99) / 100;
}
