namespace Demarc.Governance.Boundaries;

/// <summary>Whether a platform has a feature.</summary>
public enum Availability
{
    No,

    /// <summary>In part; the feature's note says which.</summary>
    Partial,

    Beta,
    Yes,
}

/// <summary>Whether an arrangement with the provider (zero data retention, or a business associate agreement) covers a feature.</summary>
public enum ZdrEligibility
{
    /// <summary>The sources do not say: to be treated as <see cref="No"/>.</summary>
    Unstated,

    No,

    /// <summary>Yes, but for something the feature's note names.</summary>
    Qualified,

    Yes,
}

/// <summary>An API or a feature of the Messages API, and where it can be had.</summary>
public sealed class CatalogFeature
{
    private static readonly int Hostings = Enum.GetValues<Hosting>().Length;
    private readonly Availability[] _availability = new Availability[Enum.GetValues<Platform>().Length * Hostings];

    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The path under which an API lives, such as <c>/v1/files</c>; null for a feature of a request.</summary>
    public string? Path { get; init; }

    public string? Note { get; init; }

    public required ZdrEligibility Zdr { get; init; }

    public required CatalogSource[] ZdrSources { get; init; }

    /// <summary>Days for which the provider keeps what the feature stores; null where it says no number.</summary>
    public int? RetentionDays { get; init; }

    /// <summary>Whether a business associate agreement covers it.</summary>
    public ZdrEligibility Baa { get; init; }

    public required CatalogSource[] Sources { get; init; }

    /// <summary>What the sources say; <see cref="Availability.No"/> for a hosting the platform does not offer.</summary>
    public Availability On(Platform platform, Hosting hosting) => _availability[Slot(platform, hosting)];

    internal void Set(Platform platform, Hosting hosting, Availability value) => _availability[Slot(platform, hosting)] = value;

    private static int Slot(Platform platform, Hosting hosting) => ((int)platform * Hostings) + (int)hosting;
}
