using Demarc.Control.AdminApi;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Retention;

namespace Demarc.Control.Retention;

/// <summary>A hold on the wire: Demarc's own.</summary>
/// <param name="Scope"><c>user</c>, <c>group</c>, <c>session</c> or <c>organization</c>.</param>
public sealed record HoldObject(
    string Type, string Id, string Name, string Reason, string Scope, string ScopeId, string? From, string? To, string CreatedAt, string CreatedBy, string? ReleasedAt, string? ReleasedBy)
{
    public static HoldObject Of(LegalHold hold) => new(
        "legal_hold", hold.Id, hold.Name, hold.Reason, hold.SubjectType, hold.SubjectId, Rfc3339.Text(hold.FromAt), Rfc3339.Text(hold.ToAt),
        Rfc3339.Text(hold.CreatedAt), hold.CreatedBy, Rfc3339.Text(hold.ReleasedAt), hold.ReleasedBy);
}

/// <summary><c>/v1/organizations/legal_holds</c>.</summary>
public sealed class HoldEndpoints(Store store)
{
    public const int MostText = 500;

    public static readonly string[] Scopes = ["user", "group", "session", "organization"];

    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no hold with this id. GET /v1/organizations/legal_holds lists them.");

    /// <summary>A page, newest first; <c>released=true</c> for those that hold no more too.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.LegalHold);
        return problem ?? AdminAnswer.Page(await store.LegalHolds.ListAsync(request.OrganizationId, page, request.Asks("released")), HoldObject.Of, h => h.Id);
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        await store.LegalHolds.GetAsync(request.OrganizationId, request.Path("id")) is { } hold ? AdminAnswer.Of(HoldObject.Of(hold)) : Unknown;

    /// <summary><c>{name, reason, scope, scope_id?, from?, to?}</c>; <c>scope_id</c> is left out for the organization.</summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "name", "reason", "scope", "scope_id", "from", "to");
        var (name, reason) = (body.Required("name", TextProblem), body.Required("reason", TextProblem));
        var scope = body.Required("scope", s => Scopes.Contains(s) ? null : $"give one of {string.Join(", ", Scopes)}.");
        var id = scope == "organization" ? request.OrganizationId : body.Required("scope_id");
        var (from, to) = (body.Time("from")?.ToUnixTimeMilliseconds(), body.Time("to")?.ToUnixTimeMilliseconds());
        if (to <= from)
            body.Wrong("to", "it ends before it begins.");
        if (body.Problem is null && await ScopeProblemAsync(store, request.OrganizationId, scope, id) is { } problem)
            body.Wrong("scope_id", problem);
        return body.Problem ?? AdminAnswer.Of(HoldObject.Of(
            await store.LegalHolds.CreateAsync(request.OrganizationId, new NewLegalHold(name, reason, scope, id, from, to), request.Actor)));
    }

    /// <summary>What it covered goes with the next sweep, as far as it is due.</summary>
    public async Task<AdminAnswer> ReleaseAsync(AdminRequest request)
    {
        if (await store.LegalHolds.ReleaseAsync(request.OrganizationId, request.Path("id"), request.Actor) is { } released)
            return AdminAnswer.Of(HoldObject.Of(released));
        return await store.LegalHolds.GetAsync(request.OrganizationId, request.Path("id")) is null ? Unknown : AdminAnswer.Conflict("The hold is released already.");
    }

    /// <summary>Why a text of a person's own cannot be used; null when it can.</summary>
    public static string? TextProblem(string text) =>
        string.IsNullOrWhiteSpace(text) || text.Length > MostText || text.Any(char.IsControl) ? $"give 1 to {MostText} characters, none of them a control character." : null;

    /// <summary>Why a hold cannot be on that; null when it can.</summary>
    public static async Task<string?> ScopeProblemAsync(Store store, string organizationId, string scope, string id) => scope switch
    {
        "user" when await store.Users.GetAsync(organizationId, id) is null && await store.ServiceAccounts.GetAsync(organizationId, id) is null => "there is neither a user (user_…) nor a service account (svac_…) with this id.",
        "group" when await store.Groups.GetAsync(organizationId, id) is null => "there is no group (rbac_group_…) with this id.",
        "session" when await store.Sessions.GetAsync(organizationId, id) is null => "there is no session (clls_…) with this id.",
        _ => null,
    };
}
