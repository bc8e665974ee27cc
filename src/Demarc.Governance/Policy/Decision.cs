using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Policy;

/// <summary>Why a request is refused before anything leaves: a stable reason code and a text that says what to do.</summary>
/// <param name="Code">Stable; recorded in the activity.</param>
/// <param name="Rule">Which rule said so, for example <c>policies[1].models</c>; null when none did.</param>
/// <param name="Field">The field of the request that no deployment of the name can take; null when it is not the request.</param>
public sealed record Refusal(string Code, string Message, string? Rule = null, string? Field = null);

/// <summary>A plan, or a refusal: never both.</summary>
public readonly struct Decision
{
    private Decision(DeploymentSnapshot[]? plan, DeploymentSnapshot? home, CaptureMode capture, Refusal? refusal) =>
        (Plan, Home, Capture, Refusal) = (plan ?? [], home!, capture, refusal);

    /// <summary>Deployments in the order in which to try them; empty when refused. Shared: not to be changed.</summary>
    public DeploymentSnapshot[] Plan { get; }

    /// <summary>The first choice if nothing failed: where the session belongs. Null when refused.</summary>
    public DeploymentSnapshot Home { get; }

    public CaptureMode Capture { get; }

    /// <summary>What is captured beside the conversation, where that is.</summary>
    public CaptureParts CaptureAlso { get; private init; }

    public Refusal? Refusal { get; }

    /// <summary>The rule that has the request go over private addresses only, which whoever connects has to see to; null for none.</summary>
    public string? PrivateNetwork { get; private init; }

    private static Decision Refuse(Refusal refusal) => new(null, null, CaptureMode.Metadata, refusal);

    /// <summary>
    /// Pure: what happens with a request for <paramref name="model"/> by <paramref name="principal"/>. Allocates nothing for
    /// a principal, name and session that were decided before, while everything is healthy.
    /// </summary>
    /// <param name="resource">The resource of the path, or null: under a resource's path only its own deployments count.</param>
    /// <param name="now">Agreements, and what rests on them, begin and end.</param>
    /// <param name="session">What keeps a session with its deployment; null where none is needed.</param>
    /// <param name="facts">What else the request says; null for a question about the name alone.</param>
    /// <param name="health">The state of the upstreams; null when nothing is known of it.</param>
    public static Decision Decide(
        GatewaySnapshot snapshot,
        Principal principal,
        string? resource,
        string model,
        DateTimeOffset now,
        string? session = null,
        RequestFacts? facts = null,
        HealthView? health = null)
    {
        // 1. The name, and the policies that hold for the principal.
        var (targets, unknown) = snapshot.Names.Resolve(resource, model);
        if (targets is null)
            return Refuse(unknown!);
        targets = targets.Of(principal, session);
        var table = snapshot.TableAt(now);
        var policy = table.PolicyOf(principal);

        // 2. Models that the request names beside its own.
        if (RoleRefusal.OfOthers(principal, facts) is { } beyond)
            return Refuse(beyond);
        if (facts is { OtherModels.Count: > 0 } && OtherModels.Refuse(snapshot, policy, facts) is { } other)
            return Refuse(other);

        // 3. The deployments that may take it, in the session's order.
        var shape = RequestShape.Of(facts, snapshot.Catalog);
        var eligible = policy.PlanOf(targets, model, shape);
        if (eligible.IsEmpty)
            return Refuse(Explanation.Of(targets, model, policy, shape, facts));
        var plan = eligible.For(principal, session);
        if (plan.Length == 0)
            return Refuse(Explanation.OfMismatch(eligible.Deployments));

        // 4. What changes from moment to moment: the network, and who fails.
        health ??= HealthView.Unknown;
        if (policy.NeedsPrivateNetwork is { } rule)
        {
            plan = Reachable(plan, health);
            if (plan.Length == 0)
                return Refuse(Explanation.OfNetwork(eligible.For(principal, session), rule, health));
        }
        return new Decision(Healthy(plan, health, now), plan[0], policy.Capture < eligible.Capture ? policy.Capture : eligible.Capture, null) { PrivateNetwork = policy.PrivateNetworkRule, CaptureAlso = policy.CaptureAlso };
    }

    private static DeploymentSnapshot[] Reachable(DeploymentSnapshot[] plan, HealthView health)
    {
        foreach (var deployment in plan)
        {
            if (health.ReachOf(deployment) != NetworkReach.Private)
                return Without(plan, health);
        }
        return plan;

        // Apart from the check: what the lambda captures would be allocated on every call. The same goes below.
        static DeploymentSnapshot[] Without(DeploymentSnapshot[] plan, HealthView health) =>
            Array.FindAll(plan, d => health.ReachOf(d) == NetworkReach.Private);
    }

    // Who fails is asked last, not never: when all fail, one of them may just have recovered.
    private static DeploymentSnapshot[] Healthy(DeploymentSnapshot[] plan, HealthView health, DateTimeOffset now)
    {
        foreach (var deployment in plan)
        {
            if (health.IsFailing(deployment, now))
                return Reordered(plan, health, now);
        }
        return plan;

        static DeploymentSnapshot[] Reordered(DeploymentSnapshot[] plan, HealthView health, DateTimeOffset now) =>
            [.. plan.Where(d => !health.IsFailing(d, now)), .. plan.Where(d => health.IsFailing(d, now))];
    }
}
