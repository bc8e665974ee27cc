using Demarc.Control.AdminApi;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Policy;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Roles;

/// <summary>A role on the wire: Demarc's own.</summary>
/// <param name="Source"><c>built_in</c>, or <c>file:line</c> of a custom one.</param>
public sealed record RoleObject(string Type, string Name, string Description, string[] Permissions, string Source)
{
    public static RoleObject Of(Role role) => new("role", role.Name, role.Description, Governance.Identity.Roles.Permissions.NamesOf(role.Permissions), role.Place ?? "built_in");
}

/// <summary>Where a role holds, on the wire.</summary>
/// <param name="Type"><c>organization</c>, <c>workspace</c>, <c>resource</c> or <c>deployment</c>.</param>
public sealed record ScopeObject(string Type, string? Name)
{
    public static ScopeObject Of(RoleScope scope) => new(RoleScope.Wire(scope.Kind), scope.Name.Length == 0 ? null : scope.Name);

    public override string ToString() => Name is null ? Type : $"{Type} {Name}";
}

/// <summary>Who has a role, on the wire.</summary>
/// <param name="Id"><c>rasg_…</c>; <c>configured_…</c> for one that the configuration gives.</param>
/// <param name="Effect"><c>allow</c> or <c>deny</c>.</param>
/// <param name="Members">Ids of data; names as the configuration has them.</param>
/// <param name="Place"><c>file:line</c> where the configuration gives it, and it is read-only here.</param>
public sealed record RoleAssignmentObject(
    string Type, string Id, string Role, string Effect, ActorObject[] Members, ScopeObject Scope, string? CreatedAt, string? CreatedBy, string? ExpiresAt, string? RoleRequestId, string? Place)
{
    private const string ConfiguredPrefix = "configured_";

    public static RoleAssignmentObject Of(StoredRoleAssignment a) => new(
        "role_assignment", a.Id, a.Role, a.Effect, [new ActorObject(a.MemberId, a.MemberType)], ScopeObject.Of(a.At),
        Rfc3339.Text(a.CreatedAt), a.CreatedBy, Rfc3339.Text(a.ExpiresAt), a.RequestId, null);

    /// <summary>What the configuration gives, in its order.</summary>
    public static RoleAssignmentObject[] Of(GatewaySnapshot snapshot) =>
    [
        .. snapshot.Roles.Assignments.Select((a, i) => new RoleAssignmentObject(
            "role_assignment", $"{ConfiguredPrefix}{i}", a.Role.Name, a.Deny ? "deny" : "allow",
            [.. a.Users.Select(u => new ActorObject(u, "user")), .. a.Groups.Select(g => new ActorObject(g, "group")), .. a.ServiceAccounts.Select(s => new ActorObject(s, "service_account"))],
            ScopeObject.Of(a.Scope), null, null, null, null, a.Place)),
    ];
}

/// <summary>A request for a role on the wire.</summary>
public sealed record RoleRequestObject(
    string Type, string Id, string UserId, string Role, ScopeObject Scope, string Reason, int Minutes, string Status, string CreatedAt, string? DecidedAt, string? DecidedBy)
{
    public static RoleRequestObject Of(RoleRequest r) => new(
        "role_request", r.Id, r.UserId, r.Role, ScopeObject.Of(r.At), r.Reason, r.Minutes, r.Status, Rfc3339.Text(r.CreatedAt), Rfc3339.Text(r.DecidedAt), r.DecidedBy);
}
