using Demarc.Governance.Boundaries;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>
/// Claude Consumption Units, in which marketplaces bill: 100 are a dollar, after discounts, metered by the hour; a bill has
/// one line of them (source: Pricing, "Claude in Microsoft Foundry pricing", "Claude Platform on AWS pricing").
/// </summary>
/// <param name="Platform"><c>foundry</c> or <c>anthropic-aws</c>.</param>
/// <param name="At">The start of the hour or of the range, Unix milliseconds.</param>
public sealed record ConsumptionUnits(string Platform, long At, long NanoUsd)
{
    private const decimal NanoPerUnit = 10_000_000m;

    private static readonly string[] Platforms = [Governance.Boundaries.Platform.Foundry.Wire(), Governance.Boundaries.Platform.AnthropicAws.Wire()];

    public decimal Units => NanoUsd / NanoPerUnit;

    public static async Task<ConsumptionUnits[]> ListAsync(Store store, string organizationId, DateTimeOffset from, DateTimeOffset to, bool byHour) =>
    [
        .. (await store.Spend.ListAsync(new SpendQuery(organizationId, from, to, byHour ? SpendBucket.Hour : SpendBucket.Whole)
        {
            By = SpendDimensions.Platform,
            Only = new Dictionary<SpendDimensions, string[]> { [SpendDimensions.Platform] = Platforms },
        })).Select(l => new ConsumptionUnits(l.Platform!, l.At, l.NanoUsd)),
    ];
}
