using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>What requests can be for: <c>claude_proj_…</c>.</summary>
public sealed record Project
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>Null for the default workspace.</summary>
    public string? WorkspaceId { get; init; }

    /// <summary>Unique in the organization among those that are not archived.</summary>
    public required string Name { get; init; }

    /// <summary>In the organization's own words; policies match it. Null for none.</summary>
    public string? DataClassification { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Unix milliseconds; null while it is in use.</summary>
    public long? ArchivedAt { get; init; }
}

public sealed class Projects
{
    private const string Columns = "id, organization_id, workspace_id, name, data_classification, created_at, archived_at";

    private readonly Store _store;

    internal Projects(Store store) => _store = store;

    /// <summary>Makes a project without members; null when the name is taken in the organization.</summary>
    /// <param name="workspaceId">One that exists; null for the default one.</param>
    public Task<Project?> CreateAsync(string organizationId, string name, string? classification, string? workspaceId, ActorRecord actor)
    {
        var project = new Project
        {
            Id = Ids.New(Ids.Project, _store.Time),
            OrganizationId = organizationId,
            WorkspaceId = workspaceId,
            Name = name,
            DataClassification = classification,
            CreatedAt = _store.Now,
        };
        return _store.MakeAsync(
            """
            INSERT INTO projects (id, organization_id, workspace_id, name, data_classification, created_at)
            VALUES (@Id, @OrganizationId, @WorkspaceId, @Name, @DataClassification, @CreatedAt)
            """,
            project, organizationId, actor, "demarc_project_created", Fields(project));
    }

    public Task<Project?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<Project>($"SELECT {Columns} FROM projects WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    public async Task<Page<Project>> ListAsync(string organizationId, PageRequest page, bool archivedToo = false) =>
        page.Cut(await _store.QueryAsync<Project>(
            $"SELECT {Columns} FROM projects WHERE organization_id = @organizationId{(archivedToo ? "" : " AND archived_at IS NULL")}{page.Where}{page.Order}",
            new { organizationId, page.AfterId, page.BeforeId }).ConfigureAwait(false));

    /// <summary>Changes what is not null of a project that is not archived; an empty classification takes it away.</summary>
    public Task<(NamingOutcome Outcome, Project? Project)> UpdateAsync(string organizationId, string id, ActorRecord actor, string? name, string? classification) =>
        _store.WriteAsync<(NamingOutcome, Project?)>(async transaction =>
        {
            var place = new { organizationId, id, name, classification };
            await transaction.LockAsync("projects").ConfigureAwait(false);
            var before = await transaction.FindAsync<Project>(
                $"SELECT {Columns} FROM projects WHERE organization_id = @organizationId AND id = @id AND archived_at IS NULL", place).ConfigureAwait(false);
            if (before == null)
                return (NamingOutcome.Absent, null);
            if (await transaction.FindAsync<string>(
                "SELECT id FROM projects WHERE organization_id = @organizationId AND name = @name AND id <> @id AND archived_at IS NULL", place).ConfigureAwait(false) != null)
                return (NamingOutcome.NameTaken, null);
            var after = await transaction.FindAsync<Project>(
                $"""
                UPDATE projects SET name = coalesce(@name, name), data_classification = nullif(coalesce(@classification, data_classification), '')
                WHERE organization_id = @organizationId AND id = @id RETURNING {Columns}
                """,
                place).ConfigureAwait(false);
            var fields = Fields(after!);
            (fields["previous_name"], fields["previous_data_classification"]) = (before.Name, before.DataClassification);
            await transaction.ChangeAsync(organizationId, actor, "demarc_project_updated", fields).ConfigureAwait(false);
            return (NamingOutcome.Done, after);
        });

    /// <summary>Ends a project for good: no request is for it any more. Null when there is none; one that is archived stays as it is.</summary>
    public Task<Project?> ArchiveAsync(string organizationId, string id, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, id, _store.Now };
            var ended = await transaction.FindAsync<Project>(
                $"UPDATE projects SET archived_at = @Now WHERE organization_id = @organizationId AND id = @id AND archived_at IS NULL RETURNING {Columns}",
                place).ConfigureAwait(false);
            if (ended == null)
                return await transaction.FindAsync<Project>($"SELECT {Columns} FROM projects WHERE organization_id = @organizationId AND id = @id", place).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "demarc_project_archived", Fields(ended)).ConfigureAwait(false);
            return ended;
        });

    /// <summary>Ids of the members, oldest first.</summary>
    public Task<string[]> MembersAsync(string organizationId, string projectId) =>
        _store.QueryAsync<string>(
            "SELECT member_id FROM project_members WHERE organization_id = @organizationId AND project_id = @projectId ORDER BY member_id",
            new { organizationId, projectId });

    /// <summary>The projects that a user or a service account is a member of, by itself or through a group, and that are not archived.</summary>
    public async Task<ProjectSnapshot[]> OfMemberAsync(string memberId) =>
        MemberProjects.Read(await _store.FindAsync<string>($"SELECT {MemberProjects.Of("@memberId")}", new { memberId, separator = "\n", field = "\t" }).ConfigureAwait(false));

    /// <summary>Adds and removes members (<c>user_…</c>, <c>svac_…</c>, <c>rbac_group_…</c>) of a project by id.</summary>
    public Task UpdateMembersAsync(string organizationId, string projectId, string[] add, string[] remove, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            await Members.ChangeAsync(_store, transaction, "project_members", "project_id", organizationId, projectId, add, remove).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "demarc_project_members_updated", new()
            {
                ["claude_project_id"] = projectId,
                ["added"] = string.Join(' ', add),
                ["removed"] = string.Join(' ', remove),
            }).ConfigureAwait(false);
            return 0;
        });

    private static Dictionary<string, string?> Fields(Project project) => new()
    {
        ["claude_project_id"] = project.Id,
        ["name"] = project.Name,
        ["data_classification"] = project.DataClassification,
        ["workspace_id"] = project.WorkspaceId,
    };
}
