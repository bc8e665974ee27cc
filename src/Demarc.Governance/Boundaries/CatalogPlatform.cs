namespace Demarc.Governance.Boundaries;

/// <summary>What is generally true of a platform, before any deployment of it.</summary>
/// <param name="Endpoint">The default base address; <c>{resource}</c> and <c>{region}</c> stand for the resource's own.</param>
/// <param name="IdPrefixes">What the platform puts before model ids to route them (Bedrock's inference profiles).</param>
/// <param name="Regions">The regions that the sources name.</param>
/// <param name="RegionsComplete">False when the platform has more regions than the sources name.</param>
public sealed record CatalogPlatform(
    Platform Platform,
    string Endpoint,
    string[] IdPrefixes,
    CatalogHosting[] Hostings,
    CatalogScope[] Scopes,
    CatalogRegion[] Regions,
    bool RegionsComplete,
    CatalogSource[] Sources)
{
    /// <summary>The facts of a hosting option; null when the platform does not offer it.</summary>
    public CatalogHosting? On(Hosting hosting) => Array.Find(Hostings, h => h.Hosting == hosting);

    /// <summary>The default address of a resource; null when the template asks for a name or a region that is missing.</summary>
    public Uri? EndpointOf(string? resource, string? region)
    {
        var template = Array.Find(Regions, r => r.Name == region)?.Endpoint ?? Endpoint;
        if ((resource is null && template.Contains("{resource}", StringComparison.Ordinal))
            || (region is null && template.Contains("{region}", StringComparison.Ordinal)))
            return null;
        return new Uri(template
            .Replace("{resource}", resource, StringComparison.Ordinal)
            .Replace("{region}", region, StringComparison.Ordinal));
    }
}

/// <summary>Where inference runs, and who stands on the way.</summary>
/// <param name="Seller">Who sells: the contract and the bill.</param>
/// <param name="Operator">Who runs the service.</param>
/// <param name="Processor">Who processes the content, in the sense of data protection.</param>
/// <param name="RunsOn">Whose infrastructure.</param>
/// <param name="Zdr">Whether zero data retention can hold.</param>
/// <param name="ProviderSees">What reaches the model's maker.</param>
/// <param name="FlaggedRetentionDays">How long flagged content may be kept whatever was agreed; null when the sources say nothing.</param>
public sealed record CatalogHosting(
    Hosting Hosting,
    string Seller,
    string Operator,
    string Processor,
    string RunsOn,
    ZdrOffer Zdr,
    string ProviderSees,
    int? FlaggedRetentionDays,
    CatalogSource[] Sources);

/// <summary>How zero data retention can be had.</summary>
public enum ZdrOffer
{
    /// <summary>The provider enables it for an organization that asks.</summary>
    OnRequest,

    /// <summary>The cloud is the processor: its own terms apply.</summary>
    CloudProvider,
}

/// <summary>How far a deployment's inference may travel.</summary>
/// <param name="Name"><c>global</c>, <c>data-zone:us</c>, or <c>region:*</c> for any one region.</param>
/// <param name="Title">What the platform calls it.</param>
/// <param name="Hostings">The hosting options that have it.</param>
public sealed record CatalogScope(string Name, string Title, Hosting[] Hostings, CatalogSource[] Sources);

/// <summary>A region in which a resource can be.</summary>
/// <param name="Scopes">The scopes that deployments there can have.</param>
/// <param name="Endpoint">An address template in place of the platform's; null where that one holds.</param>
public sealed record CatalogRegion(string Name, string Title, string[] Scopes, string? Endpoint, CatalogSource[] Sources);
