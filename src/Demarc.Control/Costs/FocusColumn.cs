namespace Demarc.Control.Costs;

/// <summary>What a column of FOCUS holds (FOCUS 1.1, "Data type").</summary>
public enum FocusType
{
    Text,

    /// <summary>A <see cref="decimal"/>.</summary>
    Number,

    /// <summary>A <see cref="DateTimeOffset"/> in UTC.</summary>
    Time,
}

/// <param name="IsRequired">Never without a value (FOCUS 1.1, "Allows nulls: False").</param>
public sealed record FocusColumn(string Name, FocusType Type = FocusType.Text, bool IsRequired = false)
{
    /// <summary>The columns of the specification, in its order.</summary>
    public static readonly FocusColumn[] All =
    [
        new("AvailabilityZone"),
        Number("BilledCost", isRequired: true),
        new("BillingAccountId", IsRequired: true),
        new("BillingAccountName"),
        new("BillingCurrency", IsRequired: true),
        Time("BillingPeriodEnd"),
        Time("BillingPeriodStart"),
        new("CapacityReservationId"),
        new("CapacityReservationStatus"),
        new("ChargeCategory", IsRequired: true),
        new("ChargeClass"),
        new("ChargeDescription"),
        new("ChargeFrequency", IsRequired: true),
        Time("ChargePeriodEnd"),
        Time("ChargePeriodStart"),
        new("CommitmentDiscountCategory"),
        new("CommitmentDiscountId"),
        new("CommitmentDiscountName"),
        Number("CommitmentDiscountQuantity"),
        new("CommitmentDiscountStatus"),
        new("CommitmentDiscountType"),
        new("CommitmentDiscountUnit"),
        Number("ConsumedQuantity"),
        new("ConsumedUnit"),
        Number("ContractedCost", isRequired: true),
        Number("ContractedUnitPrice"),
        Number("EffectiveCost", isRequired: true),
        new("InvoiceIssuerName", IsRequired: true),
        Number("ListCost", isRequired: true),
        Number("ListUnitPrice"),
        new("PricingCategory"),
        Number("PricingQuantity"),
        new("PricingUnit"),
        new("ProviderName", IsRequired: true),
        new("PublisherName", IsRequired: true),
        new("RegionId"),
        new("RegionName"),
        new("ResourceId"),
        new("ResourceName"),
        new("ResourceType"),
        new("ServiceCategory", IsRequired: true),
        new("ServiceName", IsRequired: true),
        new("ServiceSubcategory", IsRequired: true),
        new("SkuId"),
        new("SkuMeter"),
        new("SkuPriceDetails"),
        new("SkuPriceId"),
        new("SubAccountId"),
        new("SubAccountName"),
        new("Tags"),
    ];

    private static FocusColumn Number(string name, bool isRequired = false) => new(name, FocusType.Number, isRequired);

    private static FocusColumn Time(string name) => new(name, FocusType.Time, IsRequired: true);
}
