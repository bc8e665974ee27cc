using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>What part of a sum of money is for what.</summary>
/// <param name="CostType"><c>tokens</c> or <c>web_search</c>.</param>
/// <param name="TokenType">As the Admin API's cost report names it; null for searches.</param>
/// <param name="Quantity">Tokens, or searches.</param>
public sealed record CostKind(string CostType, string? TokenType, string Name, long Quantity, long Nano, long ListNano);

/// <summary>
/// Takes a line's cost apart by kind, by the prices of its day. The ledger settles each call as a whole and rounds it up
/// once, so that kinds are shares of what was settled: they add up to it exactly.
/// </summary>
public static class CostKinds
{
    /// <param name="line">With its model, resource, tier, speed and geography.</param>
    public static IEnumerable<CostKind> Of(SpendLine line, GatewaySnapshot snapshot, DateOnly day)
    {
        var price = Price(line, snapshot, day, out var perMille);
        (string Type, string? Token, string Name, long Count, long Price)[] kinds =
        [
            ("tokens", "uncached_input_tokens", "Input Tokens", line.InputTokens, price.Input),
            ("tokens", "output_tokens", "Output Tokens", line.OutputTokens, price.Output),
            ("tokens", "cache_read_input_tokens", "Input Tokens, Cache Read", line.CacheReadTokens, price.CacheRead),
            ("tokens", "cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write 5m", line.CacheWrite5mTokens, price.CacheWrite5m),
            ("tokens", "cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write 1h", line.CacheWrite1hTokens, price.CacheWrite1h),
            ("web_search", null, "Web Search Usage", line.WebSearchRequests, price.WebSearch),
        ];
        var weights = Array.ConvertAll(kinds, k => (Int128)k.Count * k.Price * (k.Token is null ? 1000 : perMille));
        if (weights.All(w => w == 0))
            // A call that ended without any usage was settled at what was held for it.
            weights[0] = 1;
        var (nano, list) = (Shares(line.NanoUsd, weights), Shares(line.ListNanoUsd, weights));
        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i].Count > 0 || nano[i] > 0)
                yield return new CostKind(kinds[i].Type, kinds[i].Token, kinds[i].Name, kinds[i].Count, nano[i], list[i]);
        }
    }

    // By the running sum, so that rounding never adds or loses a nano-dollar.
    private static long[] Shares(long total, Int128[] weights)
    {
        var all = weights.Aggregate((Int128)0, (a, b) => a + b);
        var shares = new long[weights.Length];
        var (seen, given) = ((Int128)0, 0L);
        for (var i = 0; i < weights.Length; i++)
        {
            seen += weights[i];
            var upTo = (long)((UInt128)total * (UInt128)(seen >> Excess(all)) / (UInt128)(all >> Excess(all)));
            shares[i] = upTo - given;
            given = upTo;
        }
        return shares;
    }

    // Bits that a product with a sum of money has no room for.
    private static int Excess(Int128 all) => Math.Max(0, 64 - (int)Int128.LeadingZeroCount(all));

    private static ModelPrice Price(SpendLine line, GatewaySnapshot snapshot, DateOnly day, out int perMille)
    {
        var speed = line.Speed == "fast" ? Speed.Fast : Speed.Standard;
        var resource = Array.Find(snapshot.Resources, r => r.Name == line.Resource);
        var deployment = resource is null ? null : Array.Find(resource.Deployments, d => d.Model == line.Model) ?? resource.Deployments.FirstOrDefault();
        if (deployment is null)
        {
            perMille = 1000;
            return snapshot.Catalog.PriceOf(line.Model!, day, speed).Price;
        }
        var terms = CallTerms.Of(snapshot.Catalog, deployment, day, line.InferenceGeo, speed);
        perMille = terms.ScopePerMille(line.Model!) * (line.ServiceTier == "batch" ? snapshot.Catalog.BatchPerMille(line.Model!, deployment.Resource.Platform) : 1000) / 1000;
        return terms.PriceOf(line.Model!);
    }
}
