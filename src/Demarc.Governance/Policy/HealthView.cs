using System.Collections.Frozen;
using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Policy;

/// <summary>What kind of addresses a platform's name resolves to.</summary>
public enum NetworkReach
{
    /// <summary>Not resolved yet, or not resolvable: a requirement on the network is not met.</summary>
    Unknown,

    /// <summary>At least one address is public.</summary>
    Public,

    /// <summary>Every address is private or of this machine.</summary>
    Private,

    /// <summary>Asked through a proxy: what that connects to is not seen from here. A requirement is not met.</summary>
    Proxied,
}

/// <summary>What the decision knows of the upstreams' state: immutable, replaced when something changes.</summary>
public sealed class HealthView
{
    /// <summary>Nothing is known to fail, and nothing of the network.</summary>
    public static readonly HealthView Unknown = new(FrozenDictionary<string, DateTimeOffset>.Empty, FrozenDictionary<string, NetworkReach>.Empty);

    private readonly FrozenDictionary<string, DateTimeOffset> _failingUntil;
    private readonly FrozenDictionary<string, NetworkReach> _reach;

    /// <param name="failingUntil">By full name of the deployment: until when it is not asked before others.</param>
    /// <param name="reach">By host name.</param>
    public HealthView(FrozenDictionary<string, DateTimeOffset> failingUntil, FrozenDictionary<string, NetworkReach> reach) =>
        (_failingUntil, _reach) = (failingUntil, reach);

    public bool IsFailing(DeploymentSnapshot deployment, DateTimeOffset now) =>
        _failingUntil.Count > 0 && _failingUntil.TryGetValue(deployment.FullName, out var until) && now < until;

    /// <summary>
    /// What kind of network leads to the deployment. Behind a proxy the operator's word counts: a declared
    /// <c>edge.private_network: available</c>.
    /// </summary>
    public NetworkReach ReachOf(DeploymentSnapshot deployment) =>
        deployment.Resource.Proxy is null ? _reach.GetValueOrDefault(deployment.Resource.Host)
        : deployment.Boundary[Hop.Edge, FactKind.PrivateNetwork] is { Status: FactStatus.Declared } fact && fact.Has("available") ? NetworkReach.Private
        : NetworkReach.Proxied;
}
