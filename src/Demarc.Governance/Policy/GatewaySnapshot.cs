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

/// <summary>A name clients may ask for, and the deployments it stands for; never none.</summary>
/// <param name="Place"><c>file:line</c> where the configuration names it, and it is read-only elsewhere; null for one that is data.</param>
public sealed record AliasSnapshot(string Name, AliasTarget[] Targets, string? Place = null);

/// <summary>A deployment that an alias stands for.</summary>
/// <param name="Tier">From 0; a later tier is asked when the earlier ones cannot serve.</param>
/// <param name="Weight">Its share of the sessions within its tier, at least 1.</param>
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
    CaptureMode? Capture)
{
    /// <summary>True for a policy without a match, and where any named group or user fits.</summary>
    public bool Matches(Identity.Principal principal)
    {
        if (Groups.Length == 0 && Users.Length == 0)
            return true;
        foreach (var group in Groups)
        {
            if (Array.IndexOf(principal.Groups, group) >= 0)
                return true;
        }
        foreach (var user in Users)
        {
            if (user == principal.Id || (principal.Email is { } email && string.Equals(user, email, StringComparison.OrdinalIgnoreCase)))
                return true;
        }
        return false;
    }
}

/// <summary>All that a decision reads but the principal: immutable, swapped whole by one volatile write.</summary>
public sealed class GatewaySnapshot
{
    public required ResourceSnapshot[] Resources { get; init; }

    public required AliasSnapshot[] Aliases { get; init; }

    public required PolicySnapshot[] Policies { get; init; }

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

    /// <summary>The same with other aliases.</summary>
    public GatewaySnapshot With(AliasSnapshot[] aliases) => new()
    {
        Resources = Resources,
        Aliases = aliases,
        Policies = Policies,
        Catalog = Catalog,
        PolicyHash = PolicyHash,
        ConfigurationHash = ConfigurationHash,
        MaxBodyBytes = MaxBodyBytes,
        Network = Network,
    };
}
