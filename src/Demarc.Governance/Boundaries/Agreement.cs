namespace Demarc.Governance.Boundaries;

/// <summary>An addendum to an agreement: zero data retention, or a business associate agreement (BAA).</summary>
/// <param name="From">When it was executed; null when it has not been.</param>
/// <param name="Until">When it ends; null for no end.</param>
public sealed record Addendum(DateTimeOffset? From, DateTimeOffset? Until)
{
    public bool Holds(DateTimeOffset now) => From <= now && (Until is null || now < Until);
}

/// <summary>What binds a party for data that goes to it, as the operator's register has it.</summary>
/// <param name="Place">Where the configuration describes it.</param>
/// <param name="Party">Whom it binds, as facts name parties; another name for one the catalog does not know.</param>
/// <param name="Category">The category of data it is for.</param>
/// <param name="Scope">Platforms (<c>foundry</c>) and hosting options (<c>foundry/azure</c>) it covers; empty for all.</param>
/// <param name="Zdr">The addendum on zero data retention; null when there is none.</param>
/// <param name="Baa">The business associate agreement; null when there is none.</param>
/// <param name="Terms">The version of the terms.</param>
/// <param name="Accepted">The day on which the terms were accepted, and <paramref name="AcceptedBy"/> by whom.</param>
public sealed record AgreementSnapshot(
    string Name,
    string Place,
    string Party,
    string? Category,
    string[] Scope,
    DateTimeOffset? From,
    DateTimeOffset? Until,
    Addendum? Zdr,
    Addendum? Baa,
    string? Terms,
    DateOnly? Accepted,
    string? AcceptedBy)
{
    public bool Holds(DateTimeOffset now) => (From is null || From <= now) && (Until is null || now < Until);

    public bool Covers(DeploymentSnapshot deployment)
    {
        if (Scope.Length == 0)
            return true;
        var platform = deployment.Resource.Platform.Wire();
        return Array.Exists(Scope, s => s == platform || s == $"{platform}/{deployment.Hosting.Wire()}");
    }

    /// <summary>Every instant at which something of it begins or ends.</summary>
    internal IEnumerable<DateTimeOffset> Instants =>
        new[] { From, Until, Zdr?.From, Zdr?.Until, Baa?.From, Baa?.Until }.OfType<DateTimeOffset>();
}
