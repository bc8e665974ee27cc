using System.Text;
using System.Text.Json.Nodes;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Spend;
using Demarc.Governance.Tests.Boundaries;
using Xunit;

namespace Demarc.Governance.Tests.Spend;

public class PriceOfTests
{
    [Fact]
    public void A_stranger_costs_the_dearest_of_each_kind_and_the_warning_names_it()
    {
        var quote = CatalogFile.Shipped.PriceOf("claude-nova-9", CatalogFile.Day);
        Assert.True(quote.IsFallback);
        Assert.Contains("claude-nova-9", quote.Warning, StringComparison.Ordinal);
        // The dearest on the list: Opus 4.1 and Opus 4.
        Assert.Equal(Dollars(15, 75, 1.5m, 18.75m, 30), quote.Price);
    }

    [Fact]
    public void The_dearest_is_taken_kind_by_kind()
    {
        var catalog = Edited(root =>
        {
            root["models"]![0]!["prices"]![0]!["cache_read"] = "9";
            root["models"]![0]!["prices"]![0]!["output"] = "80.5";
        });
        Assert.Equal(Dollars(15, 80.5m, 9, 18.75m, 30), catalog.PriceOf("claude-nova-9", CatalogFile.Day).Price);
    }

    [Fact]
    public void A_known_model_without_a_price_takes_the_fallback()
    {
        var preview = CatalogFile.Shipped.PriceOf("claude-mythos-preview", CatalogFile.Day);
        Assert.True(preview.IsFallback);
        Assert.Contains("claude-mythos-preview", preview.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void The_fallback_is_dear_on_days_before_any_price_too()
    {
        var quote = CatalogFile.Shipped.PriceOf("claude-opus-5", new DateOnly(2020, 1, 1));
        Assert.True(quote.IsFallback);
        Assert.Equal(Dollars(15, 75, 1.5m, 18.75m, 30), quote.Price);
    }

    [Fact]
    public void Fast_mode_on_a_model_without_it_takes_the_fallback()
    {
        var quote = CatalogFile.Shipped.PriceOf("claude-sonnet-4-6", CatalogFile.Day, Speed.Fast);
        Assert.True(quote.IsFallback);
        Assert.Contains("fast-mode price for claude-sonnet-4-6", quote.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_price_holds_from_its_first_day_until_the_day_before_its_end()
    {
        var catalog = Edited(root =>
        {
            var prices = root["models"]!.AsArray().Single(m => (string?)m!["id"] == "claude-sonnet-5")!["prices"]!.AsArray();
            var next = prices[0]!.DeepClone();
            prices[0]!["until"] = "2026-09-01";
            next["from"] = "2026-09-01";
            next["input"] = "3";
            prices.Add(next);
        });
        Assert.True(catalog.PriceOf("claude-sonnet-5", new DateOnly(2026, 6, 29)).IsFallback);
        Assert.Equal(2 * NanoDollars.PerDollar, catalog.PriceOf("claude-sonnet-5", new DateOnly(2026, 6, 30)).Price.Input);
        Assert.Equal(2 * NanoDollars.PerDollar, catalog.PriceOf("claude-sonnet-5", new DateOnly(2026, 8, 31)).Price.Input);
        Assert.Equal(3 * NanoDollars.PerDollar, catalog.PriceOf("claude-sonnet-5", new DateOnly(2026, 9, 1)).Price.Input);
    }

    [Fact]
    public void A_price_that_ended_without_a_successor_is_no_price()
    {
        var catalog = Edited(root =>
            root["models"]!.AsArray().Single(m => (string?)m!["id"] == "claude-sonnet-5")!["prices"]![0]!["until"] = "2026-09-01");
        Assert.False(catalog.PriceOf("claude-sonnet-5", new DateOnly(2026, 8, 31)).IsFallback);
        Assert.True(catalog.PriceOf("claude-sonnet-5", new DateOnly(2026, 9, 1)).IsFallback);
    }

    [Fact]
    public void Pricing_a_known_model_allocates_nothing()
    {
        var usage = new TokenUsage { InputTokens = 1_000, OutputTokens = 100, CacheRead = 50_000 };
        var total = Once(usage);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            total += Once(usage);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.True(total > 0);

        static long Once(in TokenUsage usage)
        {
            var catalog = CatalogFile.Shipped;
            var quote = catalog.PriceOf("us.anthropic.claude-sonnet-4-5-20250929-v1:0", CatalogFile.Day);
            var scope = catalog.ScopePerMille("claude-sonnet-4-5", Platform.Bedrock, "data-zone:us");
            return Pricing.Cost(usage, quote.Price, scope, 1000);
        }
    }

    private static ModelPrice Dollars(decimal input, decimal output, decimal cacheRead, decimal write5m, decimal write1h) => new()
    {
        Input = (long)(input * NanoDollars.PerDollar),
        Output = (long)(output * NanoDollars.PerDollar),
        CacheRead = (long)(cacheRead * NanoDollars.PerDollar),
        CacheWrite5m = (long)(write5m * NanoDollars.PerDollar),
        CacheWrite1h = (long)(write1h * NanoDollars.PerDollar),
        // $10 for a thousand searches.
        WebSearch = 10_000 * NanoDollars.PerDollar,
    };

    private static Catalog Edited(Action<JsonNode> edit)
    {
        var root = JsonNode.Parse(CatalogFile.Bytes)!;
        edit(root);
        return Catalog.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()));
    }
}
