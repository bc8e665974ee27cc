namespace Demarc.Governance.Boundaries;

/// <summary>Where facts come from: a page, or an observation of a client or a platform.</summary>
/// <param name="Id">The name by which facts refer to it.</param>
/// <param name="Title">The page's title, or <c>observed: …</c>.</param>
/// <param name="Url">The page's address; null for an observation.</param>
/// <param name="Date">The date of the page or of the observation.</param>
/// <param name="Seen">When it was last held against the catalog.</param>
/// <param name="Note">What <paramref name="Date"/> is the date of, where the page itself is undated.</param>
public sealed record CatalogSource(string Id, string Title, Uri? Url, DateOnly Date, DateOnly Seen, string? Note);

/// <summary>The age of one part of the catalog.</summary>
/// <param name="Name">The part's key in the file: <c>platforms</c>, <c>features</c>, <c>models</c>, <c>prices</c>, …</param>
/// <param name="Facts">How many facts (or groups of facts that share their sources) it holds.</param>
/// <param name="OldestSeen">When the source looked at longest ago was looked at.</param>
/// <param name="OldestSource">The date of its oldest source.</param>
public sealed record CatalogSection(string Name, int Facts, DateOnly OldestSeen, DateOnly OldestSource);

/// <summary>Something wrong with a catalog file, with the path of the field, such as <c>$.models[3].prices[0].input</c>.</summary>
public sealed record CatalogProblem(string Path, string Message);

/// <summary>A catalog that cannot be used: it stops the start. The message lists every problem.</summary>
public sealed class CatalogException(IReadOnlyList<CatalogProblem> problems)
    : Exception("The catalog cannot be used:\n" + string.Join('\n', problems.Select(p => $"  {p.Path}: {p.Message}")))
{
    public IReadOnlyList<CatalogProblem> Problems { get; } = problems;
}
