using Demarc.Governance.Spend;

namespace Demarc.Governance.Boundaries;

/// <summary>Where a model stands in its life (source: Model deprecations).</summary>
public enum ModelStatus
{
    /// <summary>Known from observation only.</summary>
    Unknown,

    Active,
    Deprecated,
    Retired,
}

/// <summary>One pinned model.</summary>
public sealed class CatalogModel
{
    /// <summary>The pinned id on the Claude API.</summary>
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Names that the vendor resolves to <see cref="Id"/>.</summary>
    public required string[] Aliases { get; init; }

    /// <summary>Tokens of prompt and answer together; null when the sources do not say.</summary>
    public long? ContextWindow { get; init; }

    /// <summary>Tokens of one answer of the Messages API; null when the sources do not say.</summary>
    public long? MaxOutput { get; init; }

    public DateOnly? Released { get; init; }

    /// <summary>Its status where the vendor itself runs it; an offer can differ.</summary>
    public required ModelStatus Status { get; init; }

    public DateOnly? Deprecated { get; init; }

    public DateOnly? Retirement { get; init; }

    /// <summary>True when <see cref="Retirement"/> is only the earliest day on which it may happen.</summary>
    public bool RetirementNotSooner { get; init; }

    /// <summary>False for a model that requires retention; null when the sources name no exception.</summary>
    public bool? Zdr { get; init; }

    /// <summary>Days for which the provider keeps content of a model that requires it; null for none named.</summary>
    public int? RetentionDays { get; init; }

    /// <summary>Who says so; none where nothing is said.</summary>
    public CatalogSource[] RetentionSources { get; init; } = [];

    public required CatalogOffer[] Offers { get; init; }

    /// <summary>Newest first, speeds mixed.</summary>
    public required CatalogPrice[] Prices { get; init; }

    public required CatalogSource[] Sources { get; init; }

    /// <summary>The platform's offer of this model; null when it has none.</summary>
    public CatalogOffer? On(Platform platform)
    {
        foreach (var offer in Offers)
        {
            if (offer.Platform == platform)
                return offer;
        }
        return null;
    }

    /// <summary>The price of a day; null when the catalog has none.</summary>
    public CatalogPrice? PriceOn(DateOnly day, Speed speed)
    {
        foreach (var price in Prices)
        {
            if (price.Speed == speed && price.Holds(day))
                return price;
        }
        return null;
    }
}

/// <summary>A model on one platform.</summary>
/// <param name="Ids">What the platform calls it; the first is the one to use.</param>
/// <param name="Hostings">Where it can be hosted there.</param>
/// <param name="Scopes">The scopes it has; empty when the sources do not say.</param>
public sealed record CatalogOffer(
    Platform Platform,
    string[] Ids,
    Hosting[] Hostings,
    string[] Scopes,
    ModelStatus Status,
    CatalogSource[] Sources);
