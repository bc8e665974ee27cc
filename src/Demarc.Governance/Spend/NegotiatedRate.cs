using System.Collections.Frozen;

namespace Demarc.Governance.Spend;

/// <summary>What a contract says of a resource's prices: a discount on the list, or prices in place of it.</summary>
/// <param name="Models">Ids of the catalog, or names it does not know; null for every model.</param>
/// <param name="From">The first day; null for any.</param>
/// <param name="Until">The first day on which it no longer holds; null while no end is known.</param>
/// <param name="DiscountPerHundredThousand">Off every price of the list, searches included: 12.5 % is 12500. 0 where <paramref name="Price"/> holds.</param>
/// <param name="Price">In place of the list's; null for a discount.</param>
/// <param name="WebSearch">With <paramref name="Price"/>, for a million searches; null for the list's.</param>
/// <param name="Speed">The speed that <paramref name="Price"/> is for; a discount is for both.</param>
public sealed record NegotiatedRate(
    FrozenSet<string>? Models, DateOnly? From, DateOnly? Until, int DiscountPerHundredThousand, ModelPrice? Price, long? WebSearch, Speed Speed)
{
    private const int Whole = 100_000;

    internal bool Holds(string modelId, DateOnly day, Speed speed) =>
        (From is null || From <= day) && (Until is null || day < Until)
        && (Price is null || Speed == speed)
        && (Models is null || Models.Contains(modelId));

    internal ModelPrice Of(in ModelPrice list) => Price is { } price ? price with { WebSearch = WebSearch ?? list.WebSearch } : new ModelPrice
    {
        Input = Less(list.Input),
        Output = Less(list.Output),
        CacheRead = Less(list.CacheRead),
        CacheWrite5m = Less(list.CacheWrite5m),
        CacheWrite1h = Less(list.CacheWrite1h),
        WebSearch = Less(list.WebSearch),
    };

    // Rounded up like every amount: at most a nano-dollar for a million tokens.
    private long Less(long price) => (long)(((Int128)price * (Whole - DiscountPerHundredThousand) + Whole - 1) / Whole);
}
