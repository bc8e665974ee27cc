using Demarc.Control.AdminApi;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Roles;

/// <summary><c>/v1/organizations/roles</c> and <c>/v1/organizations/role_assignments</c>: Demarc's own.</summary>
public sealed class RoleAssignmentEndpoints(Store store, Snapshots snapshots, SecondAdministrator second, TimeProvider time)
{
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no role assignment with this id. GET /v1/organizations/role_assignments lists them.");

    /// <summary><c>{"data":[{"type":"role","name","description","permissions","source"}]}</c>.</summary>
    public Task<AdminAnswer> RolesAsync(AdminRequest request) =>
        Task.FromResult(AdminAnswer.Of(new { Data = snapshots.Current.Roles.Roles.Select(RoleObject.Of) }));

    /// <summary><c>{"data":[…]}</c>: what the configuration gives, then what is data.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request) => AdminAnswer.Of(new
    {
        Data = RoleAssignmentObject.Of(snapshots.Current).Concat((await store.RoleAssignments.ListAsync(request.OrganizationId)).Select(RoleAssignmentObject.Of)),
    });

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        Configured(request.Path("id")) is { } configured ? AdminAnswer.Of(configured)
        : await store.RoleAssignments.GetAsync(request.OrganizationId, request.Path("id")) is { } found ? AdminAnswer.Of(RoleAssignmentObject.Of(found))
        : Unknown;

    /// <summary>
    /// Gives a role: <c>{role, user_id | service_account_id | group_id, workspace_id? | resource? | deployment?, effect?: allow
    /// (the default) | deny, expires_at?}</c>. 409 where it is given already.
    /// </summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var snapshot = snapshots.Current;
        var body = await BodyFields.ReadAsync(request.Http, "role", "user_id", "service_account_id", "group_id", "workspace_id", "resource", "deployment", "effect", "expires_at");
        var role = body.Required("role", r => RoleRules.RoleProblem(snapshot, r));
        var effect = body.Text("effect", e => e is "allow" or "deny" ? null : "give allow or deny.") ?? "allow";
        var expires = body.Time("expires_at");
        if (expires <= time.GetUtcNow())
            body.Wrong("expires_at", "this time has passed. Give one ahead, or leave it out for a role without end.");
        var scope = await RoleBody.ScopeAsync(body, role, snapshot, store, request.OrganizationId);
        var (type, id, name) = await RoleBody.MemberAsync(body, store, request.OrganizationId);
        if (body.Problem is not null)
            return body.Problem;

        var given = snapshot.Roles.Find(role)!;
        var deny = effect == "deny";
        if (snapshot.Roles.Assignments.FirstOrDefault(a => a.Role.Name == role && a.Deny == deny && a.Scope == scope && (type == "group" ? a.Groups : type == "user" ? a.Users : a.ServiceAccounts).Any(m => m == id || m == name)) is { } configured)
            return ReadOnly(configured.Place);
        if (await RoleRules.GiverProblemAsync(store, request.Principal, given, raises: !deny, type, id) is { } forbidden)
            return new(403, null, "permission_error", forbidden);
        if (await second.HoldAsync(request, "roles", $"{(deny ? "deny" : "give")} the role {role} ({scope}) to {name}") is { } held)
            return held;
        return await store.RoleAssignments.AssignAsync(request.OrganizationId, new NewRoleAssignment(role, deny, type, id, scope, expires), request.Actor) is { } made
            ? AdminAnswer.Of(RoleAssignmentObject.Of(made))
            : AdminAnswer.Conflict("role: it is given already. GET /v1/organizations/role_assignments lists who has which.");
    }

    /// <summary>Takes a role back: <c>{"type":"role_assignment_deleted","id"}</c>.</summary>
    public async Task<AdminAnswer> DeleteAsync(AdminRequest request)
    {
        var id = request.Path("id");
        if (Configured(id) is { } configured)
            return ReadOnly(configured.Place!);
        if (await store.RoleAssignments.GetAsync(request.OrganizationId, id) is not { } found)
            return Unknown;
        var role = snapshots.Current.Roles.Find(found.Role) ?? new Role(found.Role, Permission.None, "");
        if (await RoleRules.GiverProblemAsync(store, request.Principal, role, raises: found.Effect == "deny", found.MemberType, found.MemberId) is { } forbidden)
            return new(403, null, "permission_error", forbidden);
        if (await second.HoldAsync(request, "roles", $"take {(found.Effect == "deny" ? "the denial of " : "")}the role {found.Role} ({found.At}) from {found.MemberId}") is { } held)
            return held;
        return await store.RoleAssignments.RevokeAsync(request.OrganizationId, id, request.Actor)
            ? AdminAnswer.Of(new { Type = "role_assignment_deleted", Id = id })
            : Unknown;
    }

    private RoleAssignmentObject? Configured(string id) => Array.Find(RoleAssignmentObject.Of(snapshots.Current), a => a.Id == id);

    private static AdminAnswer ReadOnly(string place) => AdminAnswer.Conflict($"The configuration gives this role ({place}), so it is read-only here. Change it there.");
}
