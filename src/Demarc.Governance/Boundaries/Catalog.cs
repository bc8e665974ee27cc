namespace Demarc.Governance.Boundaries;

/// <summary>General facts about platforms, models and prices, each with its source.</summary>
public sealed class Catalog
{
    /// <summary><c>sha256:…</c> of the data.</summary>
    public required string Hash { get; init; }
}
