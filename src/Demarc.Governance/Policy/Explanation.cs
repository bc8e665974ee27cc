using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Policy;

/// <summary>Why: worked out only where a request is refused, or where somebody asks.</summary>
public static class Explanation
{
    // A refusal is read in a terminal: the first deployments say enough, the rest is in demarc where.
    private const int MostNamed = 4;

    private const string Advice = " Choose another model with /model, or ask your administrator.";

    /// <summary>Every reason against each deployment of a name; none for those that may be asked.</summary>
    /// <param name="facts">What else the request says; null for a question about the name alone.</param>
    public static (DeploymentSnapshot Deployment, Rejection[] Reasons)[] Of(
        GatewaySnapshot snapshot, Principal principal, string? resource, string model, DateTimeOffset now, RequestFacts? facts = null, HealthView? health = null)
    {
        var (targets, _) = snapshot.Names.Resolve(resource, model);
        if (targets is null)
            return [];
        targets = targets.Staged?.Targets ?? targets;
        var policy = snapshot.TableAt(now).PolicyOf(principal);
        return
        [
            .. targets.Targets.Select(t => (t.Deployment, (Rejection[])
            [
                .. t.Deployment.Mismatch is null ? Array.Empty<Rejection>() : [Mismatch(t.Deployment)],
                .. policy.RejectionsOf(t.Deployment, model, RequestShape.Of(facts, snapshot.Catalog)),
                .. policy.NeedsPrivateNetwork is { } rule && (health ?? HealthView.Unknown).ReachOf(t.Deployment) is var reach and not NetworkReach.Private
                    ? [Network(t.Deployment, rule, reach)]
                    : Array.Empty<Rejection>(),
            ])),
        ];
    }

    internal static Refusal Of(NameTargets targets, string asked, EffectivePolicy policy, RequestShape shape, RequestFacts? facts)
    {
        var all = Array.ConvertAll(targets.Targets, t => policy.RejectionsOf(t.Deployment, asked, shape).ToArray());

        // 1. A deployment that only lacks what the request uses: the client can leave it out and go on.
        foreach (var reasons in all)
        {
            if (Array.TrueForAll(reasons, r => r.Code == "feature_unavailable"))
                return new(reasons[0].Code, reasons[0].Message, null, reasons[0].Field);
        }

        // 2. One reason for all, said once.
        var first = all[0][0];
        if (Array.TrueForAll(all, reasons => Array.Exists(reasons, r => r.Code == first.Code && r.Message == first.Message)))
            return new(first.Code, Named(Advised(first), facts), first.Rule);

        // 3. Each deployment with its first reason.
        var codes = all.Select(reasons => reasons[0].Code).Distinct().ToArray();
        var named = all.Take(MostNamed).Select(reasons => $"{reasons[0].Deployment.FullName}: {reasons[0].Message}");
        var more = all.Length > MostNamed ? $" And {all.Length - MostNamed} more." : "";
        return new(
            codes.Length == 1 ? codes[0] : "no_deployment",
            Named($"No deployment of \"{asked}\" satisfies your policies. {string.Join(' ', named)}{more}{Advice}", facts),
            first.Rule);
    }

    internal static Refusal OfNetwork(DeploymentSnapshot[] plan, PolicySnapshot rule, HealthView health)
    {
        var first = Network(plan[0], rule, health.ReachOf(plan[0]));
        return new(first.Code, first.Message, first.Rule);
    }

    internal static Refusal OfMismatch(IEnumerable<DeploymentSnapshot> deployments)
    {
        var first = Mismatch(deployments.First(d => d.Mismatch is not null));
        return new(first.Code, first.Message);
    }

    /// <summary>That an address is public where it must not be, and what to do.</summary>
    public static string OfPublicAddress(DeploymentSnapshot d) =>
        $"The address of \"{d.Resource.Name}\" is public, and policy requires a private network. Your administrator sets up a private endpoint and its DNS zone.";

    private static Rejection Mismatch(DeploymentSnapshot d) => new(
        d, "boundary_mismatch",
        $"\"{d.FullName}\" is out of service: {d.Mismatch}. Your administrator corrects the declaration or the deployment, then runs demarc resource verify {d.FullName}.",
        null);

    private static Rejection Network(DeploymentSnapshot d, PolicySnapshot rule, NetworkReach reach) => new(
        d,
        reach switch { NetworkReach.Public => "network_public", NetworkReach.Proxied => "network_proxied", _ => "network_unknown" },
        reach == NetworkReach.Public ? OfPublicAddress(d)
            : reach == NetworkReach.Proxied ? $"\"{d.Resource.Name}\" is asked through a proxy, and policy requires a private network: what the proxy connects to is not seen here. Your administrator declares edge.private_network: available of \"{d.FullName}\", with the reason, or takes the proxy away."
            : $"The address of \"{d.Resource.Name}\" is not resolved, and policy requires a private network. Try again shortly, or ask your administrator.",
        $"{rule.Place}.require.network");

    // What is said of a field or of the model says itself what to do.
    private static string Advised(Rejection r) => r.Field is null && r.Code is not ("model_denied" or "model_not_allowed") ? r.Message + Advice : r.Message;

    private static string Named(string message, RequestFacts? facts) =>
        facts?.UnknownToolType is { } type
            ? message.Replace("tools (a type that Demarc does not know)", $"tools of the type \"{string.Concat(type.Select(c => char.IsControl(c) ? '?' : c))}\"", StringComparison.Ordinal)
            : message;
}
