using System.Collections.Concurrent;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>All policies that match a principal, together, and the plans that were made under them.</summary>
internal sealed class EffectivePolicy
{
    // Names are a closed set and shapes are few; past the bound the cache starts over.
    private const int MaxPlans = 512;

    private readonly Eligibility _eligibility;
    private readonly ConcurrentDictionary<(NameTargets Targets, string Asked, RequestShape Shape), EligiblePlan> _plans = new();

    // Somebody with these roles in this workspace; null where roles let every deployment be asked.
    private readonly Principal? _placed;

    public EffectivePolicy(PolicySnapshot[] policies, Eligibility eligibility, Principal? placed = null)
    {
        (Policies, _eligibility, _placed) = (policies, eligibility, placed);
        var stated = policies.Where(p => p.Capture is not null).ToArray();
        // Zero means zero here too: what the provider must not keep is not kept here.
        Capture = policies.Any(p => p.Require.Zdr) ? CaptureMode.None : stated.Length == 0 ? CaptureMode.Metadata : stated.Min(p => p.Capture!.Value);
        CaptureAlso = policies.Select(p => p.CaptureAlso).OfType<CaptureParts>().DefaultIfEmpty(CaptureParts.None).Aggregate((a, b) => a & b);
        NeedsPrivateNetwork = policies.FirstOrDefault(p => p.Require.PrivateNetwork);
        PrivateNetworkRule = NeedsPrivateNetwork is { } policy ? $"{policy.Place}.require.network" : null;
    }

    public PolicySnapshot[] Policies { get; }

    public CaptureMode Capture { get; }

    /// <summary>What is captured beside the conversation, where that is: what all policies that say something of it have.</summary>
    public CaptureParts CaptureAlso { get; }

    /// <summary>The policy that requires a private network; null when none does.</summary>
    public PolicySnapshot? NeedsPrivateNetwork { get; }

    /// <summary>Its place, as refusals name it.</summary>
    public string? PrivateNetworkRule { get; }

    /// <summary>The deployments of a name that may take requests of a shape.</summary>
    public EligiblePlan PlanOf(NameTargets targets, string asked, RequestShape shape) =>
        _plans.TryGetValue((targets, asked, shape), out var known) ? known : Make(targets, asked, shape);

    // Apart from the look-up: what the lambda captures would be allocated on every call.
    private EligiblePlan Make(NameTargets targets, string asked, RequestShape shape)
    {
        var eligible = Array.FindAll(targets.Targets, t => !RejectionsOf(t.Deployment, asked, shape).Any());
        var plan = new EligiblePlan(eligible.Length == targets.Targets.Length ? targets.Targets : eligible, targets.Failover);
        if (_plans.Count >= MaxPlans)
            _plans.Clear();
        return _plans.GetOrAdd((targets, asked, shape), plan);
    }

    /// <summary>Why a deployment cannot take requests of a shape, policy by policy.</summary>
    public IEnumerable<Rejection> RejectionsOf(DeploymentSnapshot deployment, string asked, RequestShape shape) =>
        Unassigned(deployment).Concat(Policies.SelectMany(p => _eligibility.Of(deployment, asked, p, shape))).Concat(_eligibility.Lacks(deployment, shape));

    private Rejection[] Unassigned(DeploymentSnapshot deployment) =>
        _placed is null || _placed.Access.MayAsk(deployment, _placed.Workspace)
            ? []
            : [new(deployment, "role_denied", $"None of your roles lets you ask \"{deployment.FullName}\". Choose another model with /model, or ask your administrator for a role there.", null)];
}
