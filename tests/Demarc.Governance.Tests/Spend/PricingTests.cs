using Demarc.Governance.Spend;
using Demarc.Governance.Tests.Boundaries;
using Xunit;

namespace Demarc.Governance.Tests.Spend;

/// <summary>Amounts worked out by hand from the public price list (source: Pricing).</summary>
public class PricingTests
{
    private const string Opus = "claude-opus-5";
    private const string Haiku = "claude-haiku-4-5";

    [Fact]
    public void A_plain_answer_costs_input_and_output()
    {
        // Opus 5: 50,000 × $5/M = $0.25, 15,000 × $25/M = $0.375 (the page's own example, without the session).
        Assert.Equal(625_000_000, Cost(Opus, new() { InputTokens = 50_000, OutputTokens = 15_000 }));
    }

    [Fact]
    public void Each_kind_of_token_has_its_price()
    {
        // Opus 5: 10,000 × $5 + 40,000 × $0.50 + 1,000 × $6.25 + 2,000 × $10 + 15,000 × $25, all per million:
        // 0.05 + 0.02 + 0.00625 + 0.02 + 0.375 = $0.47125.
        var usage = new TokenUsage { InputTokens = 10_000, CacheRead = 40_000, CacheWrite5m = 1_000, CacheWrite1h = 2_000, OutputTokens = 15_000 };
        Assert.Equal(471_250_000, Cost(Opus, usage));
    }

    [Fact]
    public void One_token_read_from_a_cache_costs_whole_nano_dollars()
    {
        // Haiku 4.5: $0.10/M = 100 nano-dollars a token. Haiku 3.5: $0.08/M = 80.
        Assert.Equal(100, Cost(Haiku, new() { CacheRead = 1 }));
        Assert.Equal(80, Cost("claude-3-5-haiku-20241022", new() { CacheRead = 1 }));
    }

    [Fact]
    public void Web_searches_cost_a_cent_each_and_know_no_factor()
    {
        // $10 per 1,000 searches; data residency is a factor on tokens alone.
        Assert.Equal(30_000_000, Cost(Opus, new() { WebSearchRequests = 3 }));
        Assert.Equal(30_000_000, Cost(Opus, new() { WebSearchRequests = 3 }, 1100));
        // 3 × $0.01 + 1,000 × $5/M × 1.1 = 0.03 + 0.0055.
        Assert.Equal(35_500_000, Cost(Opus, new() { WebSearchRequests = 3, InputTokens = 1_000 }, 1100));
    }

    [Fact]
    public void Factors_multiply()
    {
        // Opus 5 batch in the US: 1,000,000 × $5/M × 1.1 × 0.5 = $2.75.
        Assert.Equal(2_750_000_000, Cost(Opus, new() { InputTokens = 1_000_000 }, 1100, 500));
    }

    [Fact]
    public void A_broken_nano_dollar_is_rounded_up_once()
    {
        // $0.0015/M = 1.5 nano-dollars a token: 1 token costs 2, 2 tokens 3, not 4.
        var price = new ModelPrice { Input = 1_500_000, Output = 1_500_000 };
        Assert.Equal(2, Pricing.Cost(new TokenUsage { InputTokens = 1 }, price));
        Assert.Equal(3, Pricing.Cost(new TokenUsage { InputTokens = 2 }, price));
        Assert.Equal(3, Pricing.Cost(new TokenUsage { InputTokens = 1, OutputTokens = 1 }, price));
        // 1.5 × 1.1 × 1.1 = 1.815.
        Assert.Equal(2, Pricing.Cost(new TokenUsage { InputTokens = 1 }, price, 1100, 1100));
    }

    [Fact]
    public void Fast_mode_has_its_own_price()
    {
        // Opus 5 fast: 1,000 × $10/M + 1,000 × $50/M + 1,000 × $1/M (cache read, 0.1 × $10) = $0.061.
        var quote = CatalogFile.Shipped.PriceOf(Opus, CatalogFile.Day, Speed.Fast);
        Assert.False(quote.IsFallback);
        Assert.Equal(61_000_000, Pricing.Cost(new TokenUsage { InputTokens = 1_000, OutputTokens = 1_000, CacheRead = 1_000 }, quote.Price));
    }

    [Fact]
    public void The_bound_takes_every_byte_for_a_token_at_the_dearest_rate()
    {
        // Opus 5: 85,000 bytes × $10/M (1-hour cache write) + 32,000 × $25/M = 0.85 + 0.80.
        var price = CatalogFile.Shipped.PriceOf(Opus, CatalogFile.Day).Price;
        Assert.Equal(1_650_000_000, Pricing.UpperBound(85_000, 32_000, price));
        // And 804 tokens that the provider adds for tools: 804 × $10/M = 0.00804.
        Assert.Equal(1_658_040_000, Pricing.UpperBound(85_000, 32_000, price, CatalogFile.Shipped.FindOverhead("tools")!.Tokens));
        Assert.Equal(1_815_000_000, Pricing.UpperBound(85_000, 32_000, price, 0, 1100));
    }

    [Fact]
    public void Amounts_that_do_not_fit_are_refused()
    {
        var price = CatalogFile.Shipped.PriceOf(Opus, CatalogFile.Day).Price;
        Assert.Throws<OverflowException>(() => Pricing.Cost(new TokenUsage { InputTokens = long.MaxValue }, price));
        Assert.Throws<OverflowException>(() => Pricing.Cost(
            new TokenUsage { InputTokens = long.MaxValue, OutputTokens = long.MaxValue },
            new ModelPrice { Input = long.MaxValue, Output = long.MaxValue },
            1100,
            1100));
        Assert.Throws<OverflowException>(() => Pricing.UpperBound(long.MaxValue, 1, price, addedTokens: 1));
        Assert.Throws<OverflowException>(() => new TokenUsage { CacheRead = long.MaxValue } + new TokenUsage { CacheRead = 1 });
    }

    [Fact]
    public void Negative_counts_are_refused()
    {
        var price = CatalogFile.Shipped.PriceOf(Opus, CatalogFile.Day).Price;
        Assert.Throws<ArgumentOutOfRangeException>(() => Pricing.Cost(new TokenUsage { OutputTokens = -1 }, price));
        Assert.Throws<ArgumentOutOfRangeException>(() => Pricing.Cost(new TokenUsage { OutputTokens = 1 }, price, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Pricing.UpperBound(100, 1, price, addedTokens: -50));
    }

    private static long Cost(string model, TokenUsage usage, params int[] perMille)
    {
        var quote = CatalogFile.Shipped.PriceOf(model, CatalogFile.Day);
        Assert.False(quote.IsFallback);
        return Pricing.Cost(usage, quote.Price, perMille);
    }
}
