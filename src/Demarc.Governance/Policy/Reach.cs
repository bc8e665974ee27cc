using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Policy;

/// <summary>Which deployments some policies together leave, under any name that leads to them.</summary>
public sealed class Reach
{
    private readonly GatewaySnapshot _snapshot;
    private readonly Eligibility _eligibility;
    private readonly (DeploymentSnapshot Deployment, string[] Names)[] _deployments;

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
    }

    public IEnumerable<DeploymentSnapshot> Deployments => _deployments.Select(d => d.Deployment);

    /// <summary>The deployments that all these policies leave.</summary>
    /// <param name="policies">Places in <see cref="GatewaySnapshot.Policies"/>.</param>
    public IEnumerable<DeploymentSnapshot> Under(params int[] policies) =>
        from d in _deployments
        where d.Names.Any(name => !policies.Any(p => Of(d.Deployment, name, p).Any()))
        select d.Deployment;

    /// <summary>The first reason of these policies against each deployment that they do not leave.</summary>
    public IEnumerable<Rejection> Against(params int[] policies) =>
        _deployments.Select(d => policies.SelectMany(p => Of(d.Deployment, d.Names[^1], p)).FirstOrDefault()).OfType<Rejection>();

    private IEnumerable<Rejection> Of(DeploymentSnapshot deployment, string name, int policy) =>
        _eligibility.Of(deployment, name, _snapshot.Policies[policy], default);
}
