using Demarc.Control.AdminApi;
using Demarc.Control.Resources;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Roles;

/// <summary>
/// Roles for a time: asked for at <c>/v1/me/role_requests</c>, decided at <c>/v1/organizations/role_requests</c> by somebody else
/// who may give the role. Demarc's own.
/// </summary>
public sealed class RoleRequestEndpoints(Store store, Snapshots snapshots)
{
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no request for a role with this id. GET /v1/organizations/role_requests lists them.");

    /// <summary>One's own, newest first.</summary>
    public async Task<AdminAnswer> OwnAsync(AdminRequest request) => AdminAnswer.Of(new
    {
        Data = (await store.RoleRequests.ListAsync(request.OrganizationId)).Where(r => r.UserId == request.Principal.Id).Select(RoleRequestObject.Of),
    });

    /// <summary>Asks: <c>{role, reason, minutes?: 1 to 1440, default 60, workspace_id? | resource? | deployment?}</c>.</summary>
    public async Task<AdminAnswer> AskAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "role", "reason", "minutes", "workspace_id", "resource", "deployment");
        var role = body.Required("role", r => RoleRules.RoleProblem(snapshots.Current, r));
        var reason = body.Required("reason", RoleRules.ReasonProblem);
        var minutes = body.Whole("minutes", (int)RoleRules.LongestElevation.TotalMinutes, (int)RoleRules.DefaultElevation.TotalMinutes, "minutes");
        var scope = await RoleBody.ScopeAsync(body, role, snapshots.Current, store, request.OrganizationId);
        if (body.Problem is not null)
            return body.Problem;
        return request.Principal.Type != "user"
            ? new(403, null, "permission_error", "Roles for a time are for people: a service account has those that are assigned to it.")
            : AdminAnswer.Of(RoleRequestObject.Of(await store.RoleRequests.AskAsync(
                request.OrganizationId, request.Principal.Id, role, scope, reason, TimeSpan.FromMinutes(minutes), request.Actor)));
    }

    /// <summary>Everybody's, newest first; <c>status</c> leaves the others out.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request) => AdminAnswer.Of(new
    {
        Data = (await store.RoleRequests.ListAsync(request.OrganizationId)).Where(r => request.Query("status") is not { } status || r.Status == status).Select(RoleRequestObject.Of),
    });

    public Task<AdminAnswer> ApproveAsync(AdminRequest request) => DecideAsync(request, approve: true);

    public Task<AdminAnswer> DenyAsync(AdminRequest request) => DecideAsync(request, approve: false);

    private async Task<AdminAnswer> DecideAsync(AdminRequest request, bool approve)
    {
        if (await store.RoleRequests.GetAsync(request.OrganizationId, request.Path("id")) is not { } found)
            return Unknown;
        if (found.UserId == request.Principal.Id)
            return new(403, null, "permission_error", "Nobody decides on a request of their own: ask another administrator.");
        if (approve && SecondAdministrator.ApproverProblem(request.Principal, found.UserId) is { } problem)
            return problem;
        var role = snapshots.Current.Roles.Find(found.Role);
        if (approve && role is null)
            return AdminAnswer.Conflict($"There is no role {found.Role} any more.");
        if (approve && await RoleRules.GiverProblemAsync(store, request.Principal, role!, raises: true, "user", found.UserId) is { } forbidden)
            return new(403, null, "permission_error", forbidden);
        return await store.RoleRequests.DecideAsync(found, approve, request.Actor)
            ? AdminAnswer.Of(RoleRequestObject.Of((await store.RoleRequests.GetAsync(request.OrganizationId, found.Id))!))
            : AdminAnswer.Conflict($"The request is {found.Status}: it can no longer be decided.");
    }
}
