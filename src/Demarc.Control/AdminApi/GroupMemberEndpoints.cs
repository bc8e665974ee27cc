using Demarc.Control.Identity.Roles;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>
/// <c>/v1/organizations/rbac_groups/{group_id}/members</c> (Admin API, "Add RBAC Group Member", "Remove RBAC Group Member"). A group that
/// gives a role is changed as the role would be given: by who may give it, not to oneself, and by a second administrator where
/// <c>approvals</c> names roles.
/// </summary>
public sealed class GroupMemberEndpoints(Store store, Snapshots snapshots, SecondAdministrator second)
{
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no group with this id. GET /v1/compliance/groups lists them, and demarc group list.");

    /// <summary>Adds a person: <c>{user_id}</c>. One who is a member stays one.</summary>
    public async Task<AdminAnswer> AddAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "user_id");
        var id = body.Required("user_id");
        return body.Problem ?? await ChangeAsync(request, id, add: true);
    }

    /// <summary>Takes a person out; one who is no member stays none.</summary>
    public Task<AdminAnswer> RemoveAsync(AdminRequest request) => ChangeAsync(request, request.Path("user_id"), add: false);

    private async Task<AdminAnswer> ChangeAsync(AdminRequest request, string userId, bool add)
    {
        if (await store.Groups.GetAsync(request.OrganizationId, request.Path("group_id")) is not { } group)
            return Unknown;
        if (!Ids.TryParse(Ids.User, userId, out _) || await store.Users.GetAsync(request.OrganizationId, userId) is not { } user)
            return add ? AdminAnswer.Invalid("user_id", "there is no user with this id.") : AdminAnswer.NotFound("There is no user with this id.");
        if (group.Source == Groups.Directory)
            return AdminAnswer.Conflict("The directory provisions this group (SCIM), so that its members are changed there.");
        var given = await GroupRoles.OfAsync(store, snapshots.Current.Roles, request.OrganizationId, group.Id, group.Name);
        foreach (var role in given)
            if (await RoleRules.GiverProblemAsync(store, request.Principal, role.Role, raises: add != role.Deny, "user", user.Id) is { } forbidden)
                return new(403, null, "permission_error", forbidden);
        var summary = $"{(add ? "put" : "take")} {user.Email} {(add ? "into" : "out of")} the group {group.Name}, which gives {string.Join(", ", given.Select(g => g.ToString()))}";
        if (given.Length > 0 && await second.HoldAsync(request, "roles", summary) is { } held)
            return held;
        await store.Groups.UpdateMembersAsync(request.OrganizationId, group.Id, add ? [user.Id] : [], add ? [] : [user.Id], request.Actor);
        return add
            ? AdminAnswer.Of(new { CreatedAt = Rfc3339.Text(store.Time.GetUtcNow().ToUnixTimeMilliseconds()), user.Email, GroupId = group.Id, Type = "rbac_group_member", UserId = user.Id })
            : AdminAnswer.Of(new { GroupId = group.Id, Type = "rbac_group_member_deleted", UserId = user.Id });
    }
}
