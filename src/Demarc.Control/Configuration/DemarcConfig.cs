using System.Net;
using System.Text.Json.Serialization;
using Demarc.Control.Alerts;
using Demarc.Control.Exports;
using Demarc.Control.Telemetry;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;

namespace Demarc.Control.Configuration;

/// <summary>A configuration that was read without an error: defaults filled in, paths absolute, secrets resolved.</summary>
public sealed record DemarcConfig
{
    /// <summary>The file it was read from, as it was asked for.</summary>
    public required string File { get; init; }

    /// <summary>Default <c>127.0.0.1:8443</c>.</summary>
    public required ListenConfig[] Listen { get; init; }

    /// <summary>Where the Admin and Compliance APIs answer instead; empty for on <see cref="Listen"/> too.</summary>
    public ListenConfig[] AdminListen { get; init; } = [];

    /// <summary>The address that clients use; null when it is the one listened on.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>Null for plain HTTP.</summary>
    public TlsConfig? Tls { get; init; }

    /// <summary>Networks whose <c>X-Forwarded-*</c> headers hold; default none.</summary>
    [JsonIgnore] // An IPAddress throws when it is serialised.
    public IPNetwork[] TrustedProxies { get; init; } = [];

    /// <summary>Where requests may come from; default anywhere.</summary>
    [JsonIgnore]
    public NetworkRules Network { get; init; } = NetworkRules.None;

    /// <summary>Default SQLite, <c>demarc.db</c> in the data directory.</summary>
    public required StoreConfig Store { get; init; }

    /// <summary>Where records wait for PostgreSQL, on a disk of this replica's own; null for not at all. SQLite has its own.</summary>
    public string? JournalDirectory { get; init; }

    /// <summary>Whether nothing is sent to a provider before its record is durable.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether requests are served by what is known while PostgreSQL is away: a waiver, which is on record.</summary>
    public bool ServesInOutage { get; init; }

    /// <summary>The directory for captured content; null to leave it in the store.</summary>
    public string? ContentDirectory { get; init; }

    /// <summary>Base64 of at least 32 bytes; null for the one kept in the data directory.</summary>
    public Secret? MasterKey { get; init; }

    /// <summary>How the process ends.</summary>
    public ShutdownConfig Shutdown { get; init; } = ShutdownConfig.Default;

    /// <summary>A catalog file in place of the shipped one; null for that.</summary>
    public string? CatalogPath { get; init; }

    /// <summary>The largest request body, bytes; default 32 MiB.</summary>
    public long MaxBodyBytes { get; init; } = ServerSection.DefaultMaxBodyBytes;

    /// <summary>The organization's name as people see it; null for none.</summary>
    public string? OrganizationName { get; init; }

    /// <summary>How often deployments are checked against their platforms' management APIs; null for not by itself.</summary>
    public TimeSpan? VerifyEvery { get; init; }

    /// <summary>How people sign in; null where only keys are taken.</summary>
    public IdentityConfig? Identity { get; init; }

    /// <summary>How the log of records is shown and witnessed.</summary>
    public required LogConfig Log { get; init; }
    public BillingConfig Billing { get; init; } = BillingConfig.Dollars;

    /// <summary>Whether reports for each person name people; else they appear by id.</summary>
    public bool NamesPeople { get; init; }

    /// <summary>Fewer people than this stand in reports as one row.</summary>
    public int SmallestGroup { get; init; } = GatewaySnapshot.DefaultSmallestGroup;

    public CommitmentConfig[] Commitments { get; init; } = [];

    public AgreementSnapshot[] Agreements { get; init; } = [];

    /// <summary>What the operator declares of platforms, the general before the special.</summary>
    public PlatformFacts[] Facts { get; init; } = [];

    public ResourceConfig[] Resources { get; init; } = [];

    public AliasConfig[] Aliases { get; init; } = [];

    public PolicyConfig[] Policies { get; init; } = [];

    /// <summary>What every refusal at a limit says in addition.</summary>
    public RefusalText Refusals { get; init; } = RefusalText.None;

    /// <summary>Whom alerts about spend are sent to.</summary>
    public AlertDestinations Alerts { get; init; } = AlertDestinations.None;

    /// <summary>Where activities are sent.</summary>
    public ExportDestination[] Exports { get; init; } = [];

    /// <summary>Null for not counting and not showing any; read at the start.</summary>
    public MetricsConfig? Metrics { get; init; }

    /// <summary>How long the organization keeps what it keeps.</summary>
    public required RetentionConfig Retention { get; init; }

    /// <summary>How a directory provisions people; null for not at all.</summary>
    public ScimConfig? Scim { get; init; }

    /// <summary>What the operator takes upon themselves where zero data retention is required.</summary>
    public ZeroRetentionConfig ZeroRetention { get; init; } = ZeroRetentionConfig.None;

    /// <summary>Custom roles, and who has which.</summary>
    [JsonIgnore]
    public RoleBook Roles { get; init; } = RoleBook.BuiltIn;

    /// <summary>Kinds of changes that a second administrator approves; default none.</summary>
    public string[] Approvals { get; init; } = [];

    /// <summary>Tenants of Entra ID whose access tokens are credentials.</summary>
    public EntraConfig[] Entra { get; init; } = [];

    /// <summary>Whose workloads trade their identity tokens for Demarc's.</summary>
    public FederationConfig Federation { get; init; } = FederationConfig.None;

    /// <summary>Who may sign in; null where everyone may whom an issuer lets in.</summary>
    public SeatConfig? Seats { get; init; }
}

/// <summary>How finance reads what was spent.</summary>
/// <param name="Currency">ISO 4217.</param>
/// <param name="RateNano">How much of it a US dollar is, times 10^9.</param>
/// <param name="FiscalMonthStart">The day on which a month begins, 1 to 28: month 2026-07 is from that day of July to the day before it in August.</param>
public sealed record BillingConfig(string Currency, long RateNano, int FiscalMonthStart)
{
    public static readonly BillingConfig Dollars = new("USD", NanoDollars.PerDollar, 1);
}

/// <summary>Money promised to a seller, which spend draws down (an Azure consumption commitment, MACC, or its likes).</summary>
/// <param name="AmountNano">Nano-dollars, as is <paramref name="DrawnElsewhereNano"/>: what other services have drawn until now.</param>
/// <param name="Until">The first day on which it no longer holds.</param>
/// <param name="Platforms">Whose resources draw it down; empty where <paramref name="Resources"/> are named.</param>
public sealed record CommitmentConfig(string Name, long AmountNano, DateOnly From, DateOnly Until, string[] Platforms, string[] Resources, long DrawnElsewhereNano);

/// <summary>Where Demarc listens.</summary>
/// <param name="Host">An IP address.</param>
/// <param name="Port">0 for any free one.</param>
public sealed record ListenConfig(string Host, int Port)
{
    public IPEndPoint ToEndPoint() => new(IPAddress.Parse(Host), Port);

    public override string ToString() => ToEndPoint().ToString();
}

/// <summary>PEM files: the certificate (leaf first, then its chain) and its private key.</summary>
/// <param name="ClientAuthorities">A PEM file of the authorities that issue clients' certificates; null for asking for none.</param>
/// <param name="ClientRequired">False where a client may present none.</param>
/// <param name="ClientRevocations">A PEM file of what these authorities have revoked; null for asking no list.</param>
public sealed record TlsConfig(string Certificate, string Key, string? ClientAuthorities = null, bool ClientRequired = false, string? ClientRevocations = null);

/// <summary>The store of records, ledger and directory.</summary>
public abstract record StoreConfig;

/// <summary>The embedded store.</summary>
/// <param name="Path">The database file, absolute.</param>
public sealed record SqliteStoreConfig(string Path) : StoreConfig;

/// <summary>A PostgreSQL server.</summary>
/// <param name="Address"><c>postgres://user@host:port/database</c>, for people to read.</param>
/// <param name="ConnectionString">Npgsql's connection string, password and all.</param>
public sealed record PostgresStoreConfig(string Address, Secret ConnectionString) : StoreConfig
{
    /// <summary>Whose tokens are the password; null where the connection string has one.</summary>
    public AzureCredential? Credential { get; init; }
}

/// <summary>A billing envelope at a platform, with its credential.</summary>
/// <param name="Name">Unique; the first segment of <c>/{resource}/…</c>.</param>
/// <param name="Endpoint">Without <c>/v1/…</c> and without a trailing slash.</param>
/// <param name="Region">As the platform names it; null when it was left out.</param>
/// <param name="Line">Where it stands in the file, from 1.</param>
public sealed record ResourceConfig(
    string Name,
    Platform Platform,
    Uri Endpoint,
    string? Region,
    string[] Agreements,
    UpstreamCredential Credential,
    DeploymentConfig[] Deployments,
    int Line)
{
    /// <summary>The form of the bodies it takes: <c>api</c> on Bedrock, the platform's own elsewhere.</summary>
    public BodyForm Form { get; init; }

    /// <summary>The Google Cloud project; null elsewhere.</summary>
    public string? Project { get; init; }

    /// <summary>The workspace of Claude Platform on AWS; null elsewhere.</summary>
    public string? Workspace { get; init; }

    /// <summary>The HTTP proxy on the way there; null for none.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>PEM certificates trusted beside the system's; null for none.</summary>
    public string? CertificateAuthorities { get; init; }

    /// <summary>Where requests to its deployments may come from; default anywhere.</summary>
    [JsonIgnore]
    public NetworkRules Network { get; init; } = NetworkRules.None;

    /// <summary>Where its platform is managed; null for the public address.</summary>
    public ManagementPlace? Management { get; init; }

    /// <summary>The most that is kept of what its deployments are asked; null to leave it to the policies.</summary>
    public CaptureMode? Capture { get; init; }

    /// <summary>What a contract says of its prices; of several that hold, the first does.</summary>
    public RateConfig[] Rates { get; init; } = [];

    /// <summary>What the operator declares of all its deployments.</summary>
    public FactDeclaration[] Facts { get; init; } = [];
}

/// <summary>A negotiated rate; see <see cref="NegotiatedRate"/>.</summary>
/// <param name="Models">Null for every model.</param>
public sealed record RateConfig(
    string[]? Models, DateOnly? From, DateOnly? Until, int DiscountPerHundredThousand, ModelPrice? Price, long? WebSearch, Speed Speed);

/// <summary>One pinned model version.</summary>
/// <param name="Name">Unique in its resource.</param>
/// <param name="Model">The model's id in the catalog.</param>
/// <param name="Scope"><c>global</c> (the default), <c>data-zone:us</c> or <c>region:…</c>.</param>
/// <param name="Line">Where it stands in the file, from 1.</param>
public sealed record DeploymentConfig(string Name, string Model, string Scope, Hosting Hosting, int Line)
{
    /// <summary>What the operator declares of it alone.</summary>
    public FactDeclaration[] Facts { get; init; } = [];

    /// <summary>The most requests that are sent to it in a minute; null for no limit.</summary>
    public RateLimit RateLimit { get; init; }
}

/// <summary>A name clients may ask for.</summary>
public sealed record AliasConfig(string Name, AliasTargetConfig[] Targets, int Line)
{
    public FailoverScope Failover { get; init; } = FailoverScope.Same;
}

/// <summary>A deployment that an alias stands for.</summary>
/// <param name="Deployment"><c>resource/deployment</c>; it exists.</param>
/// <param name="Tier">From 0; a later tier is asked when the earlier ones cannot serve.</param>
/// <param name="Weight">Its share within the tier; default 1.</param>
public sealed record AliasTargetConfig(string Deployment, int Tier, int Weight);

/// <summary>One policy; where it names nothing to match by, it holds for everyone.</summary>
/// <param name="Models">Null for no restriction.</param>
/// <param name="Capture">Null to leave it to the other policies.</param>
public sealed record PolicyConfig(string[] Groups, string[] Users, string[]? Models, CaptureMode? Capture, int Line)
{
    public string[] Organizations { get; init; } = [];

    public SpendLimit[] Limits { get; init; } = [];

    public PolicyRate[] RateLimits { get; init; } = [];
    public string[] Workspaces { get; init; } = [];

    public string[] Projects { get; init; } = [];

    /// <summary>Data classifications of projects.</summary>
    public string[] Classifications { get; init; } = [];

    public Requirements Require { get; init; } = Requirements.None;

    public Denials Deny { get; init; } = Denials.None;

    /// <summary>Settings for Claude Code, a JSON object; null for none.</summary>
    public string? Settings { get; init; }

    /// <summary>Settings for Claude Desktop, a JSON object; null where it is not let in.</summary>
    public string? Desktop { get; init; }

    /// <summary>How long things are kept.</summary>
    public RetentionPeriods Retention { get; init; } = RetentionPeriods.None;

    /// <summary>What is captured beside the conversation; null to leave it to the other policies.</summary>
    public CaptureParts? CaptureAlso { get; init; }
}
