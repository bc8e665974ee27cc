using Demarc.Governance.Boundaries;

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

/// <summary>A name clients may ask for, and the deployments it stands for.</summary>
/// <param name="Targets">In the order of their tiers; within a tier as written.</param>
public sealed record AliasSnapshot(string Name, AliasTarget[] Targets);

/// <summary>A deployment that an alias stands for.</summary>
/// <param name="Tier">From 0; a later tier is asked when the earlier ones cannot serve.</param>
/// <param name="Weight">Its share of the requests within its tier, from 1.</param>
public sealed record AliasTarget(DeploymentSnapshot Deployment, int Tier, int Weight);

/// <summary>One policy: whom it matches and what it asks. No match means everyone.</summary>
/// <param name="Groups">Names of groups, any of which matches; empty for not matching by group.</param>
/// <param name="Users">E-mail addresses or principal ids, any of which matches.</param>
/// <param name="Models">Names (alias, deployment or model id) that may be asked for; null for no restriction.</param>
public sealed record PolicySnapshot(
    string Place,
    string[] Groups,
    string[] Users,
    string[]? Models,
    CaptureMode? Capture);

/// <summary>All that a decision reads but the principal: immutable, swapped whole by one volatile write.</summary>
public sealed class GatewaySnapshot
{
    public required ResourceSnapshot[] Resources { get; init; }

    public required AliasSnapshot[] Aliases { get; init; }

    public required PolicySnapshot[] Policies { get; init; }

    public required Catalog Catalog { get; init; }

    /// <summary><c>sha256:…</c> of the policies as written.</summary>
    public required string PolicyHash { get; init; }

    /// <summary><c>sha256:…</c> of the configuration as written, secrets left as references.</summary>
    public required string ConfigurationHash { get; init; }

    /// <summary>The largest request body, bytes; default 32 MiB.</summary>
    public required long MaxBodyBytes { get; init; }
}
