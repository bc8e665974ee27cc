using System.Collections.Frozen;
using System.Security.Cryptography;
using Demarc.Governance.Spend;

namespace Demarc.Governance.Boundaries;

/// <summary>
/// General facts about platforms, features, models and prices, each with its source. Immutable; lookups on
/// what it knows allocate nothing.
/// </summary>
public sealed partial class Catalog
{
    private readonly FrozenDictionary<string, CatalogModel> _modelsByName;
    private readonly FrozenDictionary<string, CatalogFeature> _features;
    private readonly FrozenDictionary<string, CatalogOverhead> _overheads;

    internal Catalog(string hash, CatalogContents contents)
    {
        Hash = hash;
        Sources = [.. contents.Sources.Values];
        Sections = contents.Sections();
        Platforms = [.. contents.Platforms];
        Models = [.. contents.Models];
        Features = [.. contents.Features];
        Multipliers = [.. contents.Multipliers];
        CodeExecution = contents.CodeExecution;
        Places = Array.FindAll(
            [.. Platforms.SelectMany(p => p.Regions.SelectMany(r => new[] { r.Geography, r.Name })
                .Concat(p.Scopes.Where(s => s.Name.StartsWith("data-zone:", StringComparison.Ordinal)).Select(s => s.Name["data-zone:".Length..])))
                .Append(Geography.Anywhere).Distinct().Order(StringComparer.Ordinal)],
            static place => place.Length > 0);
        _modelsByName = contents.ModelsByName.ToFrozenDictionary(StringComparer.Ordinal);
        _features = Features.ToFrozenDictionary(f => f.Id, StringComparer.Ordinal);
        _overheads = contents.Overheads.ToFrozenDictionary(o => o.Name, StringComparer.Ordinal);
    }

    /// <summary><c>sha256:…</c> of the file's bytes.</summary>
    public string Hash { get; }

    public CatalogSource[] Sources { get; }

    public CatalogSection[] Sections { get; }

    public CatalogPlatform[] Platforms { get; }

    public CatalogFeature[] Features { get; }

    /// <summary>Every geography and region that the catalog knows, in order.</summary>
    public string[] Places { get; }

    public CatalogModel[] Models { get; }

    public CatalogMultiplier[] Multipliers { get; }

    public CodeExecutionCharge CodeExecution { get; }

    /// <summary>Reads <c>catalog/catalog.json</c> (see docs/catalog.md).</summary>
    /// <exception cref="CatalogException">The file cannot be used; names every problem with its path.</exception>
    public static Catalog Parse(ReadOnlySpan<byte> json) =>
        new($"sha256:{Convert.ToHexStringLower(SHA256.HashData(json))}", CatalogReader.Read(json));

    public CatalogPlatform PlatformOf(Platform platform)
    {
        foreach (var candidate in Platforms)
        {
            if (candidate.Platform == platform)
                return candidate;
        }
        // The reader refuses a file that leaves a platform out.
        throw new ArgumentOutOfRangeException(nameof(platform));
    }

    /// <summary>The model behind a pinned id of any platform, a routed id, or an alias the vendor resolves; null for a stranger.</summary>
    public CatalogModel? FindModel(string anyId) => _modelsByName.GetValueOrDefault(anyId);

    /// <summary>The feature; null when the catalog does not know it, which is no permission.</summary>
    public CatalogFeature? FindFeature(string id) => _features.GetValueOrDefault(id);

    /// <summary>What the provider adds to the prompt; null for a name without a documented figure.</summary>
    public CatalogOverhead? FindOverhead(string name) => _overheads.GetValueOrDefault(name);

    /// <summary>The factor on tokens for where inference runs, in per mille. A model the catalog does not know pays every premium.</summary>
    /// <param name="scope">The deployment's, or <c>data-zone:us</c> where a request's <c>inference_geo</c> asks for it.</param>
    public int ScopePerMille(string anyId, Platform platform, string scope) => PerMille(anyId, platform, scope);

    /// <summary>The factor on tokens in a batch, in per mille.</summary>
    public int BatchPerMille(string anyId, Platform platform) => PerMille(anyId, platform, scope: null);

    /// <summary>
    /// The price of a model on a day. Where the catalog has none, the dearest price it knows for that day, kind
    /// by kind (of all days, when it knows none for that one), with a warning: never zero.
    /// </summary>
    public PriceQuote PriceOf(string modelId, DateOnly day, Speed speed = Speed.Standard)
    {
        var price = FindModel(modelId)?.PriceOn(day, speed);
        return price is not null
            ? new(price.Price, IsFallback: false, Warning: null)
            : new(
                DearestOn(day) ?? DearestOn(day: null)!.Value,
                IsFallback: true,
                $"The catalog has no {(speed == Speed.Fast ? "fast-mode " : "")}price for {modelId} on {day:yyyy-MM-dd}; the dearest known price is used.");
    }

    private ModelPrice? DearestOn(DateOnly? day)
    {
        ModelPrice? dearest = null;
        foreach (var model in Models)
        {
            foreach (var price in model.Prices)
            {
                if (day is null || price.Holds(day.Value))
                    dearest = dearest is { } known ? ModelPrice.Dearest(known, price.Price) : price.Price;
            }
        }
        return dearest;
    }

    private int PerMille(string anyId, Platform platform, string? scope)
    {
        var id = FindModel(anyId)?.Id ?? anyId;
        foreach (var multiplier in Multipliers)
        {
            if (multiplier.Batch == (scope is null) && multiplier.Applies(id, platform, scope))
                return multiplier.PerMille;
        }
        return 1000;
    }
}
