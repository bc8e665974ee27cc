using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Policy;

/// <summary>Which deployments some policies together leave, under any name that leads to them.</summary>
public sealed class Reach
{
    private readonly GatewaySnapshot _snapshot;
    private readonly Eligibility _eligibility;
    private readonly (DeploymentSnapshot Deployment, string[] Names)[] _deployments;

    // Each deployment under each of its names; and by policy, which of these it leaves. The same policies are asked about in many combinations.
    private readonly (DeploymentSnapshot Deployment, string Name)[] _asked;
    private readonly bool[]?[] _left;

    public Reach(GatewaySnapshot snapshot, DateTimeOffset now)
    {
        _snapshot = snapshot;
        _eligibility = new Eligibility(snapshot.Catalog, snapshot.Agreements, now);
        _deployments =
        [
            .. snapshot.Resources.SelectMany(r => r.Deployments).Select(d => (d, (string[])
            [
                d.FullName, .. snapshot.Aliases.Where(a => Array.Exists(a.Targets, t => t.Deployment == d)).Select(a => a.Name),
            ])),
        ];
        _asked = [.. _deployments.SelectMany(d => d.Names, (d, name) => (d.Deployment, name))];
        _left = new bool[]?[snapshot.Policies.Length];
    }

    public IEnumerable<DeploymentSnapshot> Deployments => _deployments.Select(d => d.Deployment);

    /// <summary>The deployments that all these policies leave.</summary>
    /// <param name="policies">Places in <see cref="GatewaySnapshot.Policies"/>.</param>
    public IEnumerable<DeploymentSnapshot> Under(params int[] policies)
    {
        var left = Array.ConvertAll(policies, p => _left[p] ??= Array.ConvertAll(_asked, a => !Of(a.Deployment, a.Name, p).Any()));
        return _asked.Where((_, i) => Array.TrueForAll(left, l => l[i])).Select(a => a.Deployment).Distinct();
    }

    /// <summary>The first reason of these policies against each deployment that they do not leave.</summary>
    public IEnumerable<Rejection> Against(params int[] policies) =>
        _deployments.Select(d => policies.SelectMany(p => Of(d.Deployment, d.Names[^1], p)).FirstOrDefault()).OfType<Rejection>();

    private IEnumerable<Rejection> Of(DeploymentSnapshot deployment, string name, int policy) =>
        _eligibility.Of(deployment, name, _snapshot.Policies[policy], default);
}
