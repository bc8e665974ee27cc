using System.Collections.Frozen;

namespace Demarc.Governance.Boundaries;

/// <summary>What is true of the data path of a hosting option for a time: pages and offers change, and the earlier view stays to be compared.</summary>
/// <param name="From">The first day; null for as far back as anybody knows.</param>
/// <param name="Until">The first day on which it no longer holds; null for today's view.</param>
/// <param name="Sources">Where the dates come from.</param>
/// <param name="Statements">By fact; <c>{region}</c> and <c>{scope}</c> in a geography stand for the deployment's own.</param>
public sealed record CatalogView(
    DateOnly? From, DateOnly? Until, CatalogSource[] Sources, FrozenDictionary<FactName, FactStatement[]> Statements)
{
    public bool Holds(DateOnly day) => (From is null || From <= day) && (Until is null || day < Until);
}
