using System.Collections.Concurrent;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>Deployments that may take a request, and the order in which each session asks them.</summary>
internal sealed class EligiblePlan
{
    // Sessions ask again and again; past the bound the cache starts over.
    private const int MaxSessions = 2048;

    private readonly AliasTarget[] _targets;
    private readonly FailoverScope _failover;
    private readonly DeploymentSnapshot[] _unordered;
    private readonly ConcurrentDictionary<(string Principal, string Session), DeploymentSnapshot[]> _ordered = new();

    public EligiblePlan(AliasTarget[] targets, FailoverScope failover)
    {
        (_targets, _failover) = (targets, failover);
        _unordered = Within(targets);
        Capture = targets.Length == 0 ? CaptureMode.Full : targets.Min(t => t.Deployment.Resource.Capture);
    }

    /// <summary>The most that any of their resources lets be kept: what is captured before the first answers stays when another does.</summary>
    public CaptureMode Capture { get; }

    public bool IsEmpty => _targets.Length == 0;

    /// <summary>Those that are out of service or could take over, in the order of the configuration.</summary>
    public IEnumerable<DeploymentSnapshot> Deployments => _targets.Select(t => t.Deployment);

    /// <summary>In the order in which to try them: by tier, within a tier as the session's hash has it, within the reach of failover.</summary>
    /// <param name="session">Null where no session is to be kept.</param>
    public DeploymentSnapshot[] For(Principal principal, string? session)
    {
        if (session is null || _targets.Length <= 1)
            return _unordered;
        if (_ordered.TryGetValue((principal.Id, session), out var known))
            return known;
        if (_ordered.Count >= MaxSessions)
            _ordered.Clear();
        return _ordered[(principal.Id, session)] = Within(Rendezvous.Order(_targets, $"{principal.OrganizationId}\n{principal.Id}\n{session}"));
    }

    // What is out of service is still the first choice that failover must not go far from: else a mismatch would carry
    // requests across processors.
    private DeploymentSnapshot[] Within(AliasTarget[] ordered) =>
        ordered.Length == 0 ? [] : [.. ordered.Select(t => t.Deployment).Where(d => d.Mismatch is null && _failover.Allows(ordered[0].Deployment, d))];
}
