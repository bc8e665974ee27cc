using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>
/// What was spent as FOCUS has it (FinOps Open Cost and Usage Specification 1.1): a row for each day, series and kind of
/// token. Amounts are in the billing currency at the stated rate; people appear by id.
/// </summary>
public sealed class FocusRows(Store store, string organizationId, string organizationName, BillingConfig billing, GatewaySnapshot snapshot)
{
    private const SpendDimensions Everything =
        SpendDimensions.Principal | SpendDimensions.Workspace | SpendDimensions.Project | SpendDimensions.Platform | SpendDimensions.Resource
        | SpendDimensions.Deployment | SpendDimensions.Model | SpendDimensions.ServiceTier | SpendDimensions.Speed | SpendDimensions.InferenceGeo;

    private const decimal Million = 1_000_000m;

    /// <summary>
    /// The rows of UTC days from <paramref name="from"/> up to and without <paramref name="to"/>: values by the column's name, each of its
    /// <see cref="FocusType"/>; what is null is left out.
    /// </summary>
    public async IAsyncEnumerable<Dictionary<string, object?>> ListAsync(DateOnly from, DateOnly to)
    {
        var centers = (await store.Users.CostCentersAsync(organizationId)).ToDictionary(u => u.Id, u => u.CostCenter!);
        // A day at a time, so that a year needs no more memory than a day.
        for (var day = from; day < to; day = day.AddDays(1))
        {
            foreach (var line in await store.Spend.ListAsync(new SpendQuery(organizationId, Money.Midnight(day), Money.Midnight(day.AddDays(1))) { By = Everything }))
            {
                foreach (var kind in CostKinds.Of(line, snapshot, day))
                    yield return Row(line, kind, day, centers.GetValueOrDefault(line.PrincipalId!));
            }
        }
    }

    private Dictionary<string, object?> Row(SpendLine line, CostKind kind, DateOnly day, string? costCenter)
    {
        var resource = Array.Find(snapshot.Resources, r => r.Name == line.Resource);
        var platform = line.Platform is { Length: > 0 } known ? known : resource?.Platform.Wire() ?? "";
        var seller = Seller(platform);
        var isTokens = kind.TokenType is not null;
        // The specification's unit prices are of pricing units: a million tokens, or one search.
        var quantity = isTokens ? kind.Quantity / Million : kind.Quantity;
        var (cost, list) = (Amount(kind.Nano), Amount(kind.ListNano));
        var (start, end) = billing.Month(billing.MonthOf(day));
        var tier = string.Join('/', new[] { line.ServiceTier, line.Speed, line.InferenceGeo }.Where(t => t is not ("standard" or "global" or null)));
        var sku = string.Join('/', new[] { platform, line.Model, kind.TokenType ?? kind.CostType, tier }.Where(p => !string.IsNullOrEmpty(p)));
        return new Dictionary<string, object?>
        {
            ["BilledCost"] = cost,
            ["BillingAccountId"] = organizationId,
            ["BillingAccountName"] = organizationName,
            ["BillingCurrency"] = billing.Currency,
            ["BillingPeriodStart"] = start,
            ["BillingPeriodEnd"] = end,
            ["ChargeCategory"] = "Usage",
            ["ChargeDescription"] = isTokens ? $"{snapshot.Catalog.FindModel(line.Model!)?.Name ?? line.Model} Usage - {kind.Name}" : kind.Name,
            ["ChargeFrequency"] = "Usage-Based",
            ["ChargePeriodStart"] = Money.Midnight(day),
            ["ChargePeriodEnd"] = Money.Midnight(day.AddDays(1)),
            ["ConsumedQuantity"] = (decimal)kind.Quantity,
            ["ConsumedUnit"] = isTokens ? "Tokens" : "Requests",
            ["ContractedCost"] = cost,
            ["ContractedUnitPrice"] = UnitPrice(cost, quantity),
            ["EffectiveCost"] = cost,
            ["InvoiceIssuerName"] = seller,
            ["ListCost"] = list,
            ["ListUnitPrice"] = UnitPrice(list, quantity),
            ["PricingCategory"] = "Standard",
            ["PricingQuantity"] = quantity,
            ["PricingUnit"] = isTokens ? "1000000 Tokens" : "Requests",
            ["ProviderName"] = seller,
            ["PublisherName"] = "Anthropic",
            ["RegionId"] = resource?.Region,
            ["RegionName"] = resource?.Region,
            ["ResourceId"] = $"{line.Resource}/{line.Deployment}",
            ["ResourceName"] = line.Deployment,
            ["ResourceType"] = "Model deployment",
            ["ServiceCategory"] = "AI and Machine Learning",
            ["ServiceName"] = "Claude",
            ["ServiceSubcategory"] = "Generative AI",
            ["SkuId"] = sku,
            ["SkuMeter"] = kind.Name,
            ["SkuPriceId"] = sku,
            ["SubAccountId"] = Or(line.WorkspaceId),
            ["Tags"] = Tags(line, costCenter),
        };
    }

    private decimal Amount(long nanoUsd) => billing.In(nanoUsd) / (decimal)NanoDollars.PerDollar;

    private static decimal? UnitPrice(decimal cost, decimal quantity) => quantity == 0 ? null : Math.Round(cost / quantity, FocusExport.Decimals);

    private static string Tags(SpendLine line, string? costCenter)
    {
        var tags = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["demarc/principal"] = line.PrincipalId! };
        if (costCenter is not null)
            tags["demarc/cost-center"] = costCenter;
        if (Or(line.ProjectId) is { } project)
            tags["demarc/project"] = project;
        return JsonSerializer.Serialize(tags);
    }

    private static string Seller(string platform) => platform switch
    {
        "foundry" => "Microsoft",
        "anthropic" => "Anthropic",
        "anthropic-aws" or "bedrock" => "AWS",
        "vertex" => "Google Cloud",
        _ => "",
    };

    private static string? Or(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
