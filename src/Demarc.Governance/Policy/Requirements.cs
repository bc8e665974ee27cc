namespace Demarc.Governance.Policy;

/// <summary>
/// What a policy asks of the data path. Lists of places, parties and platforms name what is allowed; lists of agreements
/// and features name what all must be there. The requirements of all policies that match hold together.
/// </summary>
public sealed record Requirements
{
    public static readonly Requirements None = new();

    /// <summary>Where inference may run: geographies (<c>eu</c>) or regions (<c>eu-west-1</c>); null for anywhere.</summary>
    public string[]? Inference { get; init; }

    /// <summary>Where content may rest.</summary>
    public string[]? AtRest { get; init; }

    /// <summary>Who may process content: at inference, at rest and in review.</summary>
    public string[]? Processor { get; init; }

    /// <summary>Who may operate what handles content: inference, storage and review.</summary>
    public string[]? Operator { get; init; }

    public string[]? Seller { get; init; }

    public string[]? Platform { get; init; }

    public string[]? Hosting { get; init; }

    /// <summary>Agreements that the resource must name and that must be in force.</summary>
    public string[] Agreements { get; init; } = [];

    /// <summary>Catalog features that the deployment must have.</summary>
    public string[] Features { get; init; } = [];

    /// <summary>Zero data retention, for the deployment, the model and everything the request uses.</summary>
    public bool Zdr { get; init; }

    /// <summary>A business associate agreement.</summary>
    public bool Baa { get; init; }

    /// <summary>The platform's address resolves to private addresses only.</summary>
    public bool PrivateNetwork { get; init; }

    /// <summary>The longest that the provider may keep content, days; null for no bound.</summary>
    public int? MaxRetentionDays { get; init; }

    /// <summary><c>none</c>, or <c>flagged</c> for people who see flagged content only; null for no restriction.</summary>
    public string? HumanAccess { get; init; }

    /// <summary>
    /// Features that may send content on to others (web search, MCP servers, …) although this policy asks something of
    /// the boundary: where they send it, nothing is known.
    /// </summary>
    public string[] ThirdParties { get; init; } = [];

    /// <summary>True when anything is asked of where content goes, beside whose platform it is.</summary>
    public bool AsksOfBoundary =>
        Inference is not null || AtRest is not null || Processor is not null || Operator is not null || Agreements.Length > 0
        || Zdr || Baa || PrivateNetwork || MaxRetentionDays is not null || HumanAccess is not null;

    public bool IsEmpty => !AsksOfBoundary && Seller is null && Platform is null && Hosting is null && Features.Length == 0;
}

/// <summary>What a policy refuses, whatever else is allowed: deny wins. A fact that is not known is refused where it is denied.</summary>
public sealed record Denials
{
    public static readonly Denials None = new();

    /// <summary>Aliases, deployments and models.</summary>
    public string[] Models { get; init; } = [];

    public string[] Resources { get; init; } = [];

    public string[] Platform { get; init; } = [];

    public string[] Hosting { get; init; } = [];

    public string[] Processor { get; init; } = [];

    public string[] Operator { get; init; } = [];

    /// <summary>Geographies and regions in which inference must not run; what may run anywhere may run there.</summary>
    public string[] Inference { get; init; } = [];

    /// <summary>Catalog features that requests must not use.</summary>
    public string[] Features { get; init; } = [];

    public bool IsEmpty =>
        Models.Length + Resources.Length + Platform.Length + Hosting.Length + Processor.Length + Operator.Length + Inference.Length + Features.Length == 0;
}
