using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>The projects of a principal in one column: a line each, its fields parted by tabs. Names have neither.</summary>
internal static class MemberProjects
{
    private const int Fields = 5;

    /// <summary>A subquery of that column.</summary>
    /// <param name="member">The column of the principal's id.</param>
    public static string Of(string member) =>
        $"""
        (SELECT string_agg(p.id || @field || p.name || @field || coalesce(p.data_classification, '') || @field || coalesce(w.id, '') || @field || coalesce(w.name, ''), @separator)
          FROM projects p LEFT JOIN workspaces w ON w.id = p.workspace_id
          WHERE p.archived_at IS NULL AND p.id IN (SELECT m.project_id FROM project_members m
            WHERE m.member_id = {member} OR m.member_id IN (SELECT g.group_id FROM group_members g WHERE g.member_id = {member})))
        """;

    public static ProjectSnapshot[] Read(string? column) =>
        column is null ? [] : Array.ConvertAll(column.Split('\n'), line =>
        {
            var fields = line.Split('\t', Fields);
            return new ProjectSnapshot(
                fields[0], fields[1], fields[2].Length == 0 ? null : fields[2], fields[3].Length == 0 ? null : new WorkspaceSnapshot(fields[3], fields[4]));
        });
}
