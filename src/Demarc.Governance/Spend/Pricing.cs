namespace Demarc.Governance.Spend;

/// <summary>
/// Costs in exact integers. Every product is kept whole and rounded up to a nano-dollar once, at the end, so
/// that a cost is never below the bill and splitting a usage into n parts adds less than n nano-dollars.
/// Amounts that do not fit throw <see cref="OverflowException"/>; they are never cut off.
/// </summary>
public static class Pricing
{
    private const int PerMillion = 1_000_000;
    private const int PerMilleOfOne = 1000;

    /// <summary>The cost in nano-dollars.</summary>
    /// <param name="perMille">
    /// Factors on the price of tokens, 1000 for one: data residency 1100, batches 500. They multiply.
    /// Web searches have one price everywhere (source: Pricing, "Data residency pricing").
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A count or a factor is negative.</exception>
    public static long Cost(in TokenUsage usage, in ModelPrice price, params ReadOnlySpan<int> perMille)
    {
        checked
        {
            var tokens = Times(usage.InputTokens, price.Input)
                + Times(usage.OutputTokens, price.Output)
                + Times(usage.CacheRead, price.CacheRead)
                + Times(usage.CacheWrite5m, price.CacheWrite5m)
                + Times(usage.CacheWrite1h, price.CacheWrite1h);
            var searches = Times(usage.WebSearchRequests, price.WebSearch);
            Int128 unit = PerMillion;
            foreach (var factor in perMille)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(factor);
                tokens *= factor;
                searches *= PerMilleOfOne;
                unit *= PerMilleOfOne;
            }
            return RoundUp(tokens + searches, unit);
        }
    }

    /// <summary>
    /// What a request can cost at most: every byte of the body a token at the dearest rate of the prompt, and
    /// all of <paramref name="maxTokens"/>. A token of text is at least one byte.
    /// </summary>
    /// <param name="addedTokens">
    /// Tokens that no byte of the body stands for: what the provider adds for tools, images (a small file can
    /// be a large picture), documents, and whatever is named by URL or file id. The catalog's overheads have
    /// the documented ones.
    /// </param>
    public static long UpperBound(
        long inputBytes,
        long maxTokens,
        in ModelPrice price,
        long addedTokens = 0,
        params ReadOnlySpan<int> perMille)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(inputBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(addedTokens);
        var bound = new ModelPrice { Input = price.DearestInput, Output = price.Output };
        var usage = new TokenUsage { InputTokens = checked(inputBytes + addedTokens), OutputTokens = maxTokens };
        return Cost(usage, bound, perMille);
    }

    private static Int128 Times(long count, long price)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return checked((Int128)count * price);
    }

    private static long RoundUp(Int128 amount, Int128 unit)
    {
        var (whole, rest) = Int128.DivRem(amount, unit);
        return checked((long)(rest > 0 ? whole + 1 : whole));
    }
}
