using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Policy;

/// <summary>What a principal's roles refuse whatever the request asks for.</summary>
public static class RoleRefusal
{
    private static readonly Refusal Nowhere = new("role_denied", "None of your roles lets you ask models here. Ask your administrator for one, for example developer.");

    private static readonly Refusal Others = new(
        "role_denied", "Your roles let you ask some deployments only, and the request names other models beside its own, which run where it runs. Leave fallbacks and models inside tools out.", null, "fallbacks");

    /// <summary>Null for who may ask something, somewhere.</summary>
    public static Refusal? Of(Principal principal) => principal.Access.AsksSomewhere ? null : Nowhere;

    /// <summary>A role that names deployments names their models: no other may be asked in their stead.</summary>
    internal static Refusal? OfOthers(Principal principal, RequestFacts? facts) =>
        !principal.Access.AsksEverywhere && facts is { OtherModels.Count: > 0 } && principal.Access.NamesDeployments ? Others : null;
}
