using Demarc.Control.AdminApi;
using Demarc.Control.Costs;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Roles;

/// <summary>One thing that somebody may do or may not, and why.</summary>
/// <param name="Effect"><c>allow</c> or <c>deny</c>.</param>
/// <param name="By">The assignment, the line of the configuration, the key, or <c>directory</c> for the person's own role there.</param>
/// <param name="Through">The group that has it; null where it is the principal's own.</param>
/// <param name="LastUsedAt">When any of the principal's credentials was last used, or this key; null for never.</param>
public sealed record AccessRow(
    string PrincipalType, string PrincipalId, string Name, string Status, string Role, string Effect, string Scope, string[] Permissions,
    string By, string? Through, string? ExpiresAt, string? LastUsedAt)
{
    public static readonly string[] Columns = ["principal_type", "principal_id", "name", "status", "role", "effect", "scope", "permissions", "by", "through", "expires_at", "last_used_at"];

    public string?[] Cells => [PrincipalType, PrincipalId, Name, Status, Role, Effect, Scope, string.Join(' ', Permissions), By, Through, ExpiresAt, LastUsedAt];
}

/// <summary>Who may do what, by which assignment, and when it was last used.</summary>
public sealed class AccessReview(Store store, string organizationId, RoleBook roles)
{
    /// <summary>The rows of the principals after one, in the order of their ids; and the id to go on after, null at the end.</summary>
    public async Task<(AccessRow[] Rows, string? Next)> PageAsync(string? after, int limit)
    {
        var ids = await store.Principals.MemberIdsAsync(organizationId, after, limit);
        var assignments = (await store.RoleAssignments.ListAsync(organizationId)).ToDictionary(a => a.Id);
        var groups = new Dictionary<string, string?>();
        var rows = new List<AccessRow>();
        foreach (var member in await store.Principals.MembersAsync(organizationId, ids, roles))
        {
            foreach (var grant in member.Access.Grants)
                rows.Add(await RowAsync(member, grant, assignments.GetValueOrDefault(grant.By), member.LastUsedAt));
            foreach (var key in member.Keys)
                rows.AddRange(key.Access.Grants.Where(g => g.By == key.Id).Select(g => Row(member, g, null, key.LastUsedAt)));
        }
        return ([.. rows], ids.Length < limit ? null : ids[^1]);

        async Task<AccessRow> RowAsync(DirectoryMember member, Grant grant, StoredRoleAssignment? assignment, long? used)
        {
            string? through = null;
            if (assignment is { MemberType: "group" } && !groups.TryGetValue(assignment.MemberId, out through))
                groups[assignment.MemberId] = through = (await store.Groups.GetAsync(organizationId, assignment.MemberId))?.Name;
            return Row(member, grant, through, used);
        }
    }

    public static string Csv(IEnumerable<AccessRow> rows) =>
        string.Concat(rows.Select(r => r.Cells).Prepend(AccessRow.Columns).Select(cells => Costs.Csv.Line(cells) + "\r\n"));

    private static AccessRow Row(DirectoryMember member, Grant grant, string? through, long? used) => new(
        member.Type, member.Id, member.Name, member.Status, grant.Role, grant.Deny ? "deny" : "allow", grant.Scope.ToString(), Permissions.NamesOf(grant.Effective),
        grant.By, through, Rfc3339.Text(grant.Until?.ToUnixTimeMilliseconds()), Rfc3339.Text(used));
}
