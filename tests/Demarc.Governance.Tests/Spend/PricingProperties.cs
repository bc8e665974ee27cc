using Demarc.Governance.Spend;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Spend;

public class PricingProperties
{
    private const int Kinds = 6;

    // Prices down to fractions of a nano-dollar a token, so that rounding has work to do.
    private static readonly Gen<long> Rate = Gen.OneOf(Gen.Choose(0, 3_000_000).Select(n => (long)n), Gen.Choose(0, 100).Select(n => n * 1_000_000_000L));

    private static readonly Arbitrary<ModelPrice> Prices = Gen.ArrayOf(Rate, Kinds).Select(r => new ModelPrice
    {
        Input = r[0],
        Output = r[1],
        CacheRead = r[2],
        CacheWrite5m = r[3],
        CacheWrite1h = r[4],
        WebSearch = r[5],
    }).ToArbitrary();

    private static readonly Arbitrary<TokenUsage> Usages = Gen.ArrayOf(Gen.Choose(0, 2_000_000), Kinds).Select(c => Usage([.. c.Select(n => (long)n)])).ToArbitrary();

    private static readonly Arbitrary<int[]> Factors = Gen.Elements<int[]>([], [500], [1100], [1100, 500], [1100, 1100, 333]).ToArbitrary();

    [Fact]
    public void A_cost_grows_with_every_kind_of_token() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Usages, Prices, Factors, (usage, price, factors) =>
            Enumerable.Range(0, Kinds).All(kind =>
            {
                var more = new long[Kinds];
                more[kind] = 1_000;
                return Pricing.Cost(usage + Usage(more), price, factors) >= Pricing.Cost(usage, price, factors);
            })));

    [Fact]
    public void Splitting_a_usage_costs_at_most_a_nano_dollar_and_never_saves_one() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            Usages.Generator.Two().ToArbitrary(),
            Prices,
            Factors,
            (parts, price, factors) =>
            {
                var (first, second) = parts;
                var apart = Pricing.Cost(first, price, factors) + Pricing.Cost(second, price, factors);
                var together = Pricing.Cost(first + second, price, factors);
                return together <= apart && apart <= together + 1;
            }));

    [Fact]
    public void A_cost_is_never_below_the_exact_amount_nor_a_nano_dollar_above() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Usages, Prices, Factors, (usage, price, factors) =>
        {
            // The same in decimal arithmetic, which holds these amounts exactly.
            var tokens = ((decimal)usage.InputTokens * price.Input)
                + ((decimal)usage.OutputTokens * price.Output)
                + ((decimal)usage.CacheRead * price.CacheRead)
                + ((decimal)usage.CacheWrite5m * price.CacheWrite5m)
                + ((decimal)usage.CacheWrite1h * price.CacheWrite1h);
            foreach (var factor in factors)
                tokens *= factor / 1000m;
            var exact = (tokens + ((decimal)usage.WebSearchRequests * price.WebSearch)) / 1_000_000m;
            var cost = Pricing.Cost(usage, price, factors);
            return cost >= 0 && cost >= exact && cost < exact + 1;
        }));

    [Fact]
    public void The_bound_holds_whatever_way_the_prompt_is_billed() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Usages, Prices, Factors, (usage, price, factors) =>
        {
            var billed = usage with { WebSearchRequests = 0 };
            var bytes = usage.InputTokens + usage.CacheRead + usage.CacheWrite5m + usage.CacheWrite1h;
            return Pricing.UpperBound(bytes, usage.OutputTokens, price, addedTokens: 0, factors) >= Pricing.Cost(billed, price, factors);
        }));

    [Fact]
    public void What_does_not_fit_is_refused_and_never_wraps_around() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            Gen.Choose(1, int.MaxValue).Two().ToArbitrary(),
            pair =>
            {
                var usage = new TokenUsage { InputTokens = long.MaxValue - pair.Item1 };
                var price = new ModelPrice { Input = 2_000_000L + pair.Item2 };
                try
                {
                    Pricing.Cost(usage, price);
                    return false;
                }
                catch (OverflowException)
                {
                    return true;
                }
            }));

    private static TokenUsage Usage(long[] counts) => new()
    {
        InputTokens = counts[0],
        OutputTokens = counts[1],
        CacheRead = counts[2],
        CacheWrite5m = counts[3],
        CacheWrite1h = counts[4],
        WebSearchRequests = counts[5],
    };
}
