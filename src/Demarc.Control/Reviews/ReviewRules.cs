using Demarc.Control.Retention;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Reviews;

namespace Demarc.Control.Reviews;

/// <summary>What reviews may be asked for, and who may approve them.</summary>
public static class ReviewRules
{
    /// <summary>The field that cannot be used, and why; null when all can.</summary>
    public static async Task<(string Field, string Problem)?> ProblemAsync(Store store, string organizationId, NewReview asked)
    {
        if (asked.Scope == "key")
        {
            if (await store.ApiKeys.GetAsync(organizationId, asked.ScopeId) is not { Status: "active" } key)
                return ("scope_id", "there is no active key (apikey_…) with this id.");
            if (key.Kind != "compliance")
                return ("scope_id", $"this is an {key.Kind} key: exemptions are for compliance keys.");
        }
        else if (await HoldEndpoints.ScopeProblemAsync(store, organizationId, asked.Scope, asked.ScopeId) is { } problem)
            return ("scope_id", problem);
        return await store.Users.GetAsync(organizationId, asked.ReaderId) is null && await store.ServiceAccounts.GetAsync(organizationId, asked.ReaderId) is null && asked.Scope != "key"
            ? ("reader_id", "there is neither a user (user_…) nor a service account (svac_…) with this id. Name who will read.")
            : null;
    }

    /// <summary>Why somebody cannot approve; null when they can. A second person is a person.</summary>
    public static string? CannotApprove(Review review, ActorRecord actor) =>
        ReviewRegister.IsOwn(review, actor) ? "Nobody approves what they asked for or would read themselves: another administrator has to."
        : actor.Type == "service_account" ? "A review is approved by a person: ask with the admin key of an administrator, not of a service account."
        : null;
}
