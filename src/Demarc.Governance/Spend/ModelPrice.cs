namespace Demarc.Governance.Spend;

/// <summary>At which speed a model answers; only some models and platforms have the fast one.</summary>
public enum Speed
{
    Standard,

    /// <summary><c>speed: "fast"</c> in the request, and in the answer's usage.</summary>
    Fast,
}

/// <summary>
/// What a model costs: whole nano-dollars for a million of each kind. 3 USD for a million tokens is 3 × 10^9,
/// 10 USD for a thousand web searches is 10^13.
/// </summary>
public readonly record struct ModelPrice
{
    public long Input { get; init; }

    public long Output { get; init; }

    public long CacheRead { get; init; }

    public long CacheWrite5m { get; init; }

    public long CacheWrite1h { get; init; }

    /// <summary>For a million web searches.</summary>
    public long WebSearch { get; init; }

    /// <summary>The dearest way in which a token of the prompt can be billed.</summary>
    public long DearestInput => Math.Max(Math.Max(Input, CacheRead), Math.Max(CacheWrite5m, CacheWrite1h));

    /// <summary>The dearer of two prices, kind by kind.</summary>
    public static ModelPrice Dearest(in ModelPrice a, in ModelPrice b) => new()
    {
        Input = Math.Max(a.Input, b.Input),
        Output = Math.Max(a.Output, b.Output),
        CacheRead = Math.Max(a.CacheRead, b.CacheRead),
        CacheWrite5m = Math.Max(a.CacheWrite5m, b.CacheWrite5m),
        CacheWrite1h = Math.Max(a.CacheWrite1h, b.CacheWrite1h),
        WebSearch = Math.Max(a.WebSearch, b.WebSearch),
    };
}

/// <summary>A price, and whether it is the model's own.</summary>
/// <param name="IsFallback">The catalog has no price for the model on that day; this is the dearest it knows, kind by kind.</param>
/// <param name="Warning">Names the model when <paramref name="IsFallback"/> is true; else null.</param>
public readonly record struct PriceQuote(ModelPrice Price, bool IsFallback, string? Warning);
