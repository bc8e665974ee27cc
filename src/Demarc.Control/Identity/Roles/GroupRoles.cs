using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Roles;

/// <summary>A role that the members of a group have, or are denied.</summary>
public sealed record GroupRole(Role Role, bool Deny)
{
    public override string ToString() => Deny ? $"the denial of {Role.Name}" : Role.Name;
}

/// <summary>
/// What membership of a group gives, and who decides on it: the directory or the issuer that made the group, as binding a
/// role to it was to trust them with it; of a group that was made here an administrator, and where <c>approvals</c> names
/// roles a second one.
/// </summary>
public static class GroupRoles
{
    /// <summary>What is assigned to a group, and what the configuration gives to its name.</summary>
    public static async Task<GroupRole[]> OfAsync(Store store, RoleBook roles, string organizationId, string groupId, string groupName)
    {
        var assigned = (await store.RoleAssignments.ListAsync(organizationId)).Where(a => a.MemberId == groupId)
            .Select(a => new GroupRole(roles.Find(a.Role) ?? new Role(a.Role, Permission.None, ""), a.Effect == "deny"));
        return [.. assigned, .. roles.Assignments.Where(a => a.Groups.Contains(groupName)).Select(a => new GroupRole(a.Role, a.Deny))];
    }

    /// <summary>Whether a group is closed to a directory or an issuer: it gives roles, which a second administrator approves, and it is not theirs.</summary>
    /// <param name="source">The group's, as <see cref="Group.Source"/>; <paramref name="by"/> is who would change it.</param>
    public static async Task<bool> AreClosedAsync(Store store, GatewaySnapshot snapshot, string organizationId, string groupId, string groupName, string? source, string by) =>
        source != by && snapshot.Approvals.Contains("roles") && (await OfAsync(store, snapshot.Roles, organizationId, groupId, groupName)).Length > 0;

    /// <summary>Those of an issuer's groups that it may put somebody into.</summary>
    public static async Task<string[]> OpenAsync(Store store, GatewaySnapshot snapshot, string organizationId, string issuer, string[] names)
    {
        if (!snapshot.Approvals.Contains("roles"))
            return names;
        var open = new List<string>(names.Length);
        foreach (var name in names)
            if (await store.Groups.GetByNameAsync(organizationId, name) is not { } group || !await AreClosedAsync(store, snapshot, organizationId, group.Id, name, group.Source, issuer))
                open.Add(name);
        return [.. open];
    }
}
