using System.Globalization;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Storage.Directory;

/// <summary>The roles assigned to a principal and to its groups in one column: a line each, its fields parted by tabs.</summary>
internal static class MemberRoles
{
    private const int Fields = 6;

    /// <summary>A subquery of that column; <c>@Now</c> is Unix milliseconds.</summary>
    /// <param name="member">The column of the principal's id.</param>
    public static string Of(string member) =>
        $"""
        (SELECT string_agg(a.id || @field || a.role || @field || a.effect || @field || a.scope_kind || @field || a.scope || @field || coalesce(CAST(a.expires_at AS text), ''), @separator)
          FROM role_assignments a WHERE (a.expires_at IS NULL OR a.expires_at > @Now)
            AND (a.member_id = {member} OR a.member_id IN (SELECT g.group_id FROM group_members g WHERE g.member_id = {member})))
        """;

    /// <summary>A role that the configuration no longer describes permits nothing, and denies everything; so does one at a scope of another version.</summary>
    public static IEnumerable<Grant> Read(string? column, RoleBook roles) =>
        column is null ? [] : column.Split('\n').Select(line =>
        {
            var fields = line.Split('\t', Fields);
            var deny = fields[2] == "deny";
            var permissions = RoleScope.TryParse(fields[3], out var kind) ? roles.Find(fields[1])?.Permissions : null;
            return new Grant(
                fields[1], permissions ?? (deny ? (Permission)~0L : Permission.None), new RoleScope(kind, fields[4]), deny, fields[0],
                fields[5].Length == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(fields[5], CultureInfo.InvariantCulture)));
        });
}
