using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>Why a request is refused before anything leaves: a stable reason code and a text that says what to do.</summary>
/// <param name="Code">Stable; recorded in the activity.</param>
/// <param name="Rule">Which rule said so, for example <c>policies[1].models</c>; null when none did.</param>
public sealed record Refusal(string Code, string Message, string? Rule = null);

/// <summary>A plan, or a refusal: never both.</summary>
public readonly struct Decision
{
    private Decision(DeploymentSnapshot[]? plan, CaptureMode capture, Refusal? refusal) => (Plan, Capture, Refusal) = (plan ?? [], capture, refusal);

    /// <summary>Deployments in the order in which to try them; empty when refused.</summary>
    public DeploymentSnapshot[] Plan { get; }

    public CaptureMode Capture { get; }

    public Refusal? Refusal { get; }

    public static Decision Send(DeploymentSnapshot[] plan, CaptureMode capture) => new(plan, capture, null);

    public static Decision Refuse(Refusal refusal) => new(null, CaptureMode.Metadata, refusal);

    /// <summary>
    /// Pure: what happens with a request for <paramref name="model"/> by <paramref name="principal"/>.
    /// </summary>
    /// <param name="resource">The resource of the path, or null: under a resource's path only its own deployments count.</param>
    /// <param name="session">What keeps a session with its deployment; null where none is needed.</param>
    public static Decision Decide(GatewaySnapshot snapshot, Principal principal, string? resource, string model, string? session = null)
    {
        var names = snapshot.Names.Resolve(resource, model);
        if (names.Refusal is { } unknown)
            return Refuse(unknown);

        var plan = Array.ConvertAll(
            session is null ? names.Targets : Rendezvous.Order(names.Targets, $"{principal.OrganizationId}\n{principal.Id}\n{session}"),
            t => t.Deployment);
        var capture = CaptureMode.Full;
        var stated = false;
        foreach (var policy in snapshot.Policies)
        {
            if (!policy.Matches(principal))
                continue;
            if (policy.Models is { } models && !Allowed(models, model, plan))
                return Refuse(new Refusal(
                    "model_not_allowed",
                    $"Policy does not allow the model \"{model}\" for you. Allowed: {string.Join(", ", models)}. Choose one with /model, or ask your administrator.",
                    $"{policy.Place}.models"));
            if (policy.Capture is { } mode)
            {
                stated = true;
                if (mode < capture)
                    capture = mode;
            }
        }
        return Send(plan, stated ? capture : CaptureMode.Metadata);
    }

    // A list may name what was asked for, a deployment, or the pinned model behind every deployment of the plan.
    private static bool Allowed(string[] models, string asked, DeploymentSnapshot[] plan)
    {
        if (Array.IndexOf(models, asked) >= 0)
            return true;
        foreach (var deployment in plan)
        {
            if (Array.IndexOf(models, deployment.Model) < 0 && Array.IndexOf(models, deployment.Name) < 0 && Array.IndexOf(models, deployment.FullName) < 0)
                return false;
        }
        return true;
    }
}
