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
/// <param name="Views">What was and is true of its data path, oldest first; they do not overlap.</param>
public sealed record CatalogHosting(Hosting Hosting, CatalogView[] Views, CatalogSource[] Sources)
{
    /// <summary>The view of a day; null when there was no such offer.</summary>
    public CatalogView? ViewOn(DateOnly day) => Array.Find(Views, v => v.Holds(day));
}

/// <summary>How far a deployment's inference may travel.</summary>
/// <param name="Name"><c>global</c>, <c>data-zone:us</c>, or <c>region:*</c> for any one region.</param>
/// <param name="Title">What the platform calls it.</param>
/// <param name="Hostings">The hosting options that have it.</param>
public sealed record CatalogScope(string Name, string Title, Hosting[] Hostings, CatalogSource[] Sources);

/// <summary>A region in which a resource can be.</summary>
/// <param name="Geography">Where it is, as requirements say it: <c>eu</c>, <c>us</c>, <c>gb</c>, …</param>
/// <param name="Scopes">The scopes that deployments there can have.</param>
/// <param name="Endpoint">An address template in place of the platform's; null where that one holds.</param>
public sealed record CatalogRegion(string Name, string Title, string Geography, string[] Scopes, string? Endpoint, CatalogSource[] Sources);
