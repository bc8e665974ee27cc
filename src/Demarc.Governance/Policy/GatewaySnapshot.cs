using System.Collections.Concurrent;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Spend;

namespace Demarc.Governance.Policy;

/// <summary>What is kept of a request's content.</summary>
public enum CaptureMode
{
    /// <summary>Nothing of the content, and no hash of it.</summary>
    None,

    /// <summary>Who, what, where, how much; never content. The default.</summary>
    Metadata,

    /// <summary>Prompts and answers too, sealed.</summary>
    Full,
}

/// <summary>What can be captured beside the conversation, where that is captured in full.</summary>
[Flags]
public enum CaptureParts
{
    None = 0,
    System = 1,
    Thinking = 2,
}

/// <summary>A name clients may ask for, and the deployments it stands for; never none.</summary>
/// <param name="Place"><c>file:line</c> where the configuration names it, and it is read-only elsewhere; null for one that is data.</param>
public sealed record AliasSnapshot(string Name, AliasTarget[] Targets, string? Place = null)
{
    public FailoverScope Failover { get; init; } = FailoverScope.Same;

    /// <summary>Where a share of the sessions goes already; null for none.</summary>
    public StagedTargets? Staged { get; init; }
}

/// <summary>What an alias is moving to, for a share of its sessions.</summary>
/// <param name="PerMille">The share, 1 to 999. As it grows, the sessions that went stay.</param>
public sealed record StagedTargets(AliasTarget[] Targets, int PerMille);

/// <summary>A deployment that an alias stands for.</summary>
/// <param name="Tier">From 0; a later tier is asked when the earlier ones cannot serve.</param>
/// <param name="Weight">Its share of the sessions within its tier, at least 1.</param>
public sealed record AliasTarget(DeploymentSnapshot Deployment, int Tier, int Weight);

/// <summary>All that a decision reads but the principal: immutable, swapped whole by one volatile write.</summary>
public sealed class GatewaySnapshot
{
    private DecisionTable? _table;

    public required ResourceSnapshot[] Resources { get; init; }

    public required AliasSnapshot[] Aliases { get; init; }

    public required PolicySnapshot[] Policies { get; init; }

    public AgreementSnapshot[] Agreements { get; init; } = [];

    public required Catalog Catalog { get; init; }

    /// <summary>The names of <see cref="Aliases"/> and deployments.</summary>
    public NameIndex Names => field ??= new NameIndex(Resources, Aliases, Catalog);

    /// <summary><c>sha256:…</c> of the policies as written.</summary>
    public required string PolicyHash { get; init; }

    /// <summary><c>sha256:…</c> of the configuration as written, secrets left as references.</summary>
    public required string ConfigurationHash { get; init; }

    /// <summary>The largest request body, bytes; default 32 MiB.</summary>
    public required long MaxBodyBytes { get; init; }

    /// <summary>Where requests may come from, whatever they ask for.</summary>
    public NetworkRules Network { get; init; } = NetworkRules.None;

    /// <summary>Limits that are data, beside those of <see cref="Policies"/>.</summary>
    public StoredLimit[] StoredLimits { get; init; } = [];

    /// <summary>What was approved beyond people's own limits, for a time.</summary>
    public SpendRaise[] Raises { get; init; } = [];

    /// <summary>What every refusal at a limit says in addition.</summary>
    public RefusalText RefusalText { get; init; } = RefusalText.None;

    private readonly ConcurrentDictionary<Principal, AppliedLimits> _limits = new(ReferenceEqualityComparer.Instance);

    private bool HasLimits => field |= StoredLimits.Length > 0 || Array.Exists(Policies, p => p.Limits.Length > 0);

    /// <summary>All limits on a principal: those of every policy that matches, and those that are data.</summary>
    public AppliedLimits LimitsOf(Principal principal)
    {
        if (!HasLimits)
            return AppliedLimits.None;
        if (_limits.TryGetValue(principal, out var known))
            return known;
        if (_limits.Count >= MaxPrincipals)
            _limits.Clear();
        var limits = Policies.Where(p => p.Matches(principal)).SelectMany(p => p.Limits).Concat(Spend.StoredLimits.For(StoredLimits, principal));
        return _limits[principal] = new AppliedLimits([.. limits.Select(l => new AppliedLimit(l, principal, RaiseOf(l, principal)))]);
    }

    private SpendRaise? RaiseOf(SpendLimit limit, Principal principal) =>
        limit.Scope == LimitScope.Person ? Array.Find(Raises, r => r.PrincipalId == principal.Id && r.Period == limit.Period) : null;

    private readonly ConcurrentDictionary<Principal, AppliedRate[]> _rates = new(ReferenceEqualityComparer.Instance);

    private bool HasRates => field |= Array.Exists(Policies, p => p.RateLimits.Length > 0);

    /// <summary>The rate limits on a principal: those of every policy that matches.</summary>
    public AppliedRate[] RatesOf(Principal principal)
    {
        if (!HasRates)
            return [];
        if (_rates.TryGetValue(principal, out var known))
            return known;
        if (_rates.Count >= MaxPrincipals)
            _rates.Clear();
        return _rates[principal] = [.. Policies.Where(p => p.Matches(principal)).SelectMany(p => p.RateLimits).Select(r => new AppliedRate(r, principal))];
    }

    // Principals are themselves a bounded cache; past the bound this one starts over.
    private const int MaxPrincipals = 20_000;

    /// <summary>The roles there are, and what the configuration gives to whom.</summary>
    public RoleBook Roles { get; init; } = RoleBook.BuiltIn;

    /// <summary>Kinds of changes that a second administrator approves: <c>aliases</c>, <c>limits</c>, <c>roles</c>.</summary>
    public string[] Approvals { get; init; } = [];

    /// <summary>Whether reports for each person name people; else they appear by id.</summary>
    public bool NamesPeople { get; init; }

    /// <summary>Whether nothing is sent to a provider before its record is durable; else nothing is answered before.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether requests are answered by what is known while the store is away.</summary>
    public bool ServesInOutage { get; init; }

    /// <summary>Fewer people than this stand in reports as one row; 0 and 1 for each by themselves. Default 5.</summary>
    public int SmallestGroup { get; init; } = DefaultSmallestGroup;

    public const int DefaultSmallestGroup = 5;

    /// <summary>How long the organization keeps things, whatever policies say of some.</summary>
    public RetentionPeriods Retention { get; init; } = RetentionPeriods.None;

    /// <summary>How long each class is kept for a principal: the shortest that the organization and every policy that matches say.</summary>
    public RetentionPeriods RetentionOf(Principal principal) =>
        Policies.Where(p => p.Matches(principal)).Aggregate(Retention, (all, policy) => all.Shortest(policy.Retention));

    /// <summary>How long a principal's transcripts are kept.</summary>
    public TimeSpan TranscriptsKept(Principal principal)
    {
        var kept = RetentionOf(principal).Transcripts ?? RetentionPeriods.DefaultTranscripts;
        // They are kept with the records of their requests.
        return RetentionOfAll.Activities is { } records && records < kept ? records : kept;
    }

    /// <summary>The same of what is the organization's: policies for everyone say it, and the organization itself.</summary>
    public RetentionPeriods RetentionOfAll => Policies.Where(p => p.IsForEveryone).Aggregate(Retention, (all, policy) => all.Shortest(policy.Retention));

    /// <summary>What is kept of what a principal asks, under all policies that match.</summary>
    public CaptureMode CaptureOf(Principal principal, DateTimeOffset now) => TableAt(now).PolicyOf(principal).Capture;

    /// <summary>What holds at a time; worked out anew when an agreement begins or ends.</summary>
    internal DecisionTable TableAt(DateTimeOffset now)
    {
        var table = Volatile.Read(ref _table);
        if (table is not null && table.Holds(now))
            return table;
        table = new DecisionTable(this, now);
        Volatile.Write(ref _table, table);
        return table;
    }

    /// <summary>The same with other aliases.</summary>
    public GatewaySnapshot With(AliasSnapshot[] aliases) => With(Resources, aliases, StoredLimits, Raises);

    /// <summary>The same with other limits that are data, and what was approved beyond limits.</summary>
    public GatewaySnapshot With(StoredLimit[] limits, SpendRaise[] raises) => With(Resources, Aliases, limits, raises);

    /// <summary>The same with what was checked of its deployments.</summary>
    /// <param name="checks">By full name of the deployment.</param>
    public GatewaySnapshot Checked(IReadOnlyDictionary<string, BoundaryCheck> checks)
    {
        if (checks.Count == 0)
            return this;
        var resources = Array.ConvertAll(Resources, r => r.Checked(checks));
        var deployments = resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName, StringComparer.Ordinal);
        return With(resources, Array.ConvertAll(Aliases, a => a with { Targets = Array.ConvertAll(a.Targets, t => t with { Deployment = deployments[t.Deployment.FullName] }) }), StoredLimits, Raises);
    }

    private GatewaySnapshot With(ResourceSnapshot[] resources, AliasSnapshot[] aliases, StoredLimit[] limits, SpendRaise[] raises) => new()
    {
        Resources = resources,
        Aliases = aliases,
        Policies = Policies,
        Agreements = Agreements,
        Catalog = Catalog,
        PolicyHash = PolicyHash,
        ConfigurationHash = ConfigurationHash,
        MaxBodyBytes = MaxBodyBytes,
        Network = Network,
        StoredLimits = limits,
        Raises = raises,
        RefusalText = RefusalText,
        NamesPeople = NamesPeople,
        Roles = Roles,
        Approvals = Approvals,
        IsStrict = IsStrict,
        ServesInOutage = ServesInOutage,
        SmallestGroup = SmallestGroup,
        Retention = Retention,
    };
}
