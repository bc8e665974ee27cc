using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Spend;

/// <summary>Where the price of a call comes from.</summary>
public enum PriceSource
{
    /// <summary>The public list, as the catalog has it for the day.</summary>
    Catalog,

    /// <summary>The resource's own <c>rates</c>.</summary>
    Negotiated,

    /// <summary>The catalog has none for the model on the day: the dearest it knows, kind by kind.</summary>
    Fallback,
}

/// <summary>What a call costs.</summary>
/// <param name="Nano">Nano-dollars, at the resource's rates.</param>
/// <param name="ListNano">The same at the public list.</param>
public readonly record struct CallCost(long Nano, long ListNano, PriceSource Source)
{
    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public static CallCost operator +(CallCost a, CallCost b) =>
        checked(new(a.Nano + b.Nano, a.ListNano + b.ListNano, (PriceSource)Math.Max((int)a.Source, (int)b.Source)));
}

/// <summary>
/// What prices a call beside its tokens: the day, where inference runs, speed, batch, and the resource's rates. Pricing a
/// model that the catalog knows allocates nothing.
/// </summary>
/// <param name="Scope">As the price list sees it: <c>data-zone:us</c> too where <c>inference_geo</c> pins a call of a global deployment.</param>
public readonly record struct CallTerms(Catalog Catalog, DeploymentSnapshot Deployment, DateOnly Day, string Scope, Speed Speed, bool Batch)
{
    private const string UnitedStates = "data-zone:us";

    /// <param name="inferenceGeo">As the answer reports it, before that as the request asks; null for neither.</param>
    public static CallTerms Of(
        Catalog catalog, DeploymentSnapshot deployment, DateOnly day, string? inferenceGeo = null, Speed speed = Speed.Standard, bool batch = false) =>
        // Source: Pricing, "Data residency pricing"; the clouds price their own regions, and Foundry its data zone.
        new(catalog, deployment, day,
            inferenceGeo == "us" && deployment.Scope == "global" && deployment.Resource.Platform is Platform.Anthropic or Platform.AnthropicAws
                ? UnitedStates : deployment.Scope,
            speed, batch);

    /// <summary>The speed a request is billed at, as far as the request says: some models take <c>speed: "fast"</c> and run at standard (source: Fast mode).</summary>
    public static Speed SpeedOf(Catalog catalog, string model, DateOnly day, bool asksFast) =>
        asksFast && catalog.FindModel(model)?.PriceOn(day, Speed.Fast) is not null ? Speed.Fast : Speed.Standard;

    /// <summary>What the usage costs at a model's price.</summary>
    /// <param name="model">The deployment's own, or that of one of <c>usage.iterations[]</c>.</param>
    public CallCost Cost(string model, in TokenUsage usage)
    {
        var (list, agreed, source) = Quote(model);
        ReadOnlySpan<int> factors = [ScopePerMille(model), BatchPerMille(model)];
        var listNano = Pricing.Cost(usage, list, factors);
        return new(source == PriceSource.Catalog || agreed == list ? listNano : Pricing.Cost(usage, agreed, factors), listNano, source);
    }

    /// <summary>False for a model that has no price of its own, neither in the catalog nor at the resource's rates.</summary>
    public bool Prices(string model) => Quote(model).Source != PriceSource.Fallback;

    /// <summary>The price of a model by these terms, its factors (<see cref="ScopePerMille"/>) not included.</summary>
    public ModelPrice PriceOf(string model) => Quote(model).Agreed;

    /// <summary>See <see cref="Pricing.UpperBound"/>.</summary>
    public long UpperBound(long inputBytes, long maxTokens, long addedTokens = 0) =>
        Pricing.UpperBound(inputBytes, maxTokens, PriceOf(Deployment.Model), addedTokens, ScopePerMille(Deployment.Model), BatchPerMille(Deployment.Model));

    /// <summary>The factor on tokens for where inference runs, in per mille.</summary>
    public int ScopePerMille(string model) => Catalog.ScopePerMille(model, Deployment.Resource.Platform, Scope);

    private int BatchPerMille(string model) => Batch ? Catalog.BatchPerMille(model, Deployment.Resource.Platform) : 1000;

    private (ModelPrice List, ModelPrice Agreed, PriceSource Source) Quote(string model)
    {
        // An advisor or a fallback of a fast call runs at standard speed where its model has no other.
        var speed = model == Deployment.Model ? Speed : SpeedOf(Catalog, model, Day, Speed == Speed.Fast);
        var quote = Catalog.PriceOf(model, Day, speed);
        var id = Catalog.FindModel(model)?.Id ?? model;
        foreach (var rate in Deployment.Resource.Rates)
        {
            if (rate.Holds(id, Day, speed))
                return (quote.Price, rate.Of(quote.Price), quote.IsFallback && rate.Price is null ? PriceSource.Fallback : PriceSource.Negotiated);
        }
        return (quote.Price, quote.Price, quote.IsFallback ? PriceSource.Fallback : PriceSource.Catalog);
    }
}
