using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams.Management;

/// <summary>What was read of a deployment, each held against its declaration.</summary>
internal sealed class Findings(DeploymentSnapshot deployment, Catalog catalog)
{
    private readonly List<CheckedFact> _facts = [];

    public DeploymentSnapshot Deployment => deployment;

    public Catalog Catalog => catalog;

    public CheckedFact[] Facts => [.. _facts];

    /// <summary>A property that is no fact of the boundary.</summary>
    public void Property(string name, string declared, string found, bool holds) => _facts.Add(new CheckedFact(name, declared, found, holds));

    /// <summary>The model, by whichever of its ids the platform has for it.</summary>
    public void Model(string found) =>
        Property("model", deployment.Model, found, found == deployment.Model
            || (catalog.FindModel(found) is { } model && ReferenceEquals(model, catalog.FindModel(deployment.Model))));

    /// <summary>Where something happens: holds when all of it is within what is declared.</summary>
    public void Places(Hop hop, string[] found)
    {
        var name = new FactName(hop, FactKind.Geography);
        var declared = deployment.Boundary[name];
        // What nobody declares is learned.
        var holds = !declared.IsSettled || Array.TrueForAll(found, place => Array.Exists(declared.Values, allowed => Geography.IsWithin(place, allowed)));
        _facts.Add(new CheckedFact(name.ToString(), declared.Text, string.Join("+", found), holds, found));
    }

    public void Fact(FactName name, string found)
    {
        var declared = deployment.Boundary[name];
        _facts.Add(new CheckedFact(name.ToString(), declared.Text, found, !declared.IsSettled || declared.Value == found, [found]));
    }

    /// <summary>A region as requirements say it, <c>eu/eu-west-1</c>; by its own name alone where the catalog does not know it.</summary>
    public string PlaceOf(string region)
    {
        var known = Array.Find(catalog.PlatformOf(deployment.Resource.Platform).Regions, r => r.Name == region);
        return known is null || known.Name == known.Geography ? region : $"{known.Geography}/{known.Name}";
    }
}
