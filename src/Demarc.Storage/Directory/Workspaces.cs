using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>What keys and projects can belong to: <c>wrkspc_…</c>.</summary>
public sealed record Workspace
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>Unique in the organization among those that are not archived.</summary>
    public required string Name { get; init; }

    /// <summary>A JSON object of texts.</summary>
    public required string Tags { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Unix milliseconds; null while it is in use.</summary>
    public long? ArchivedAt { get; init; }
}

/// <summary>A person's place in a workspace.</summary>
public sealed record WorkspaceMember
{
    public required string WorkspaceId { get; init; }

    public required string UserId { get; init; }

    /// <summary><c>workspace_admin</c>, <c>workspace_developer</c>, <c>workspace_restricted_developer</c>, <c>workspace_user</c> or <c>workspace_billing</c>.</summary>
    public required string Role { get; init; }
}

/// <summary>What came of making or changing a workspace or a project.</summary>
public enum NamingOutcome
{
    Done,

    /// <summary>There is none of that id, or it is archived.</summary>
    Absent,

    /// <summary>Another one has the name.</summary>
    NameTaken,
}

public sealed class Workspaces
{
    private const string Columns = "id, organization_id, name, tags, created_at, archived_at";

    private readonly Store _store;

    internal Workspaces(Store store) => _store = store;

    /// <summary>Makes a workspace; null when the name is taken in the organization.</summary>
    public Task<Workspace?> CreateAsync(string organizationId, string name, IReadOnlyDictionary<string, string> tags, ActorRecord actor)
    {
        var workspace = new Workspace
        {
            Id = Ids.New(Ids.Workspace, _store.Time),
            OrganizationId = organizationId,
            Name = name,
            Tags = JsonSerializer.Serialize(tags),
            CreatedAt = _store.Now,
        };
        return _store.MakeAsync(
            "INSERT INTO workspaces (id, organization_id, name, tags, created_at) VALUES (@Id, @OrganizationId, @Name, @Tags, @CreatedAt)",
            workspace, organizationId, actor, "platform_workspace_created", Named(workspace));
    }

    /// <summary>The workspace of a name or an id that is not archived; null for none.</summary>
    public Task<Workspace?> FindAsync(string organizationId, string nameOrId) =>
        _store.FindAsync<Workspace>($"SELECT {Columns} FROM workspaces WHERE organization_id = @organizationId AND archived_at IS NULL AND (id = @nameOrId OR name = @nameOrId)", new { organizationId, nameOrId });

    public Task<Workspace?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<Workspace>($"SELECT {Columns} FROM workspaces WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    public async Task<Page<Workspace>> ListAsync(string organizationId, PageRequest page, bool archivedToo = false) =>
        page.Cut(await _store.QueryAsync<Workspace>(
            $"SELECT {Columns} FROM workspaces WHERE organization_id = @organizationId{(archivedToo ? "" : " AND archived_at IS NULL")}{page.Where}{page.Order}",
            new { organizationId, page.AfterId, page.BeforeId }).ConfigureAwait(false));

    /// <summary>Changes what is not null of a workspace that is not archived.</summary>
    public Task<(NamingOutcome Outcome, Workspace? Workspace)> UpdateAsync(
        string organizationId, string id, ActorRecord actor, string? name, IReadOnlyDictionary<string, string>? tags) =>
        _store.WriteAsync<(NamingOutcome, Workspace?)>(async transaction =>
        {
            var place = new { organizationId, id, name, tags = tags is null ? null : JsonSerializer.Serialize(tags) };
            await transaction.LockAsync("workspaces").ConfigureAwait(false);
            var before = await transaction.FindAsync<Workspace>(
                $"SELECT {Columns} FROM workspaces WHERE organization_id = @organizationId AND id = @id AND archived_at IS NULL", place).ConfigureAwait(false);
            if (before == null)
                return (NamingOutcome.Absent, null);
            if (await transaction.FindAsync<string>(
                "SELECT id FROM workspaces WHERE organization_id = @organizationId AND name = @name AND id <> @id AND archived_at IS NULL", place).ConfigureAwait(false) != null)
                return (NamingOutcome.NameTaken, null);
            var after = await transaction.FindAsync<Workspace>(
                $"UPDATE workspaces SET name = coalesce(@name, name), tags = coalesce(@tags, tags) WHERE organization_id = @organizationId AND id = @id RETURNING {Columns}", place).ConfigureAwait(false);
            var fields = Named(after!);
            fields["previous_name"] = before.Name;
            await transaction.ChangeAsync(organizationId, actor, "platform_workspace_updated", fields).ConfigureAwait(false);
            return (NamingOutcome.Done, after);
        });

    /// <summary>Ends a workspace for good, with its keys and projects; null when there is none. One that is archived stays as it is.</summary>
    public Task<Workspace?> ArchiveAsync(string organizationId, string id, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, id, _store.Now };
            var ended = await transaction.FindAsync<Workspace>(
                $"UPDATE workspaces SET archived_at = @Now WHERE organization_id = @organizationId AND id = @id AND archived_at IS NULL RETURNING {Columns}",
                place).ConfigureAwait(false);
            if (ended == null)
                return await transaction.FindAsync<Workspace>(
                    $"SELECT {Columns} FROM workspaces WHERE organization_id = @organizationId AND id = @id", place).ConfigureAwait(false);
            await transaction.ExecuteAsync(
                "UPDATE api_keys SET status = 'archived' WHERE organization_id = @organizationId AND workspace_id = @id", place).ConfigureAwait(false);
            await transaction.ExecuteAsync(
                "UPDATE projects SET archived_at = @Now WHERE organization_id = @organizationId AND workspace_id = @id AND archived_at IS NULL", place).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "platform_workspace_archived", Named(ended)).ConfigureAwait(false);
            return ended;
        });

    /// <summary>The members of a workspace, newest user first.</summary>
    public async Task<Page<WorkspaceMember>> MembersAsync(string organizationId, string workspaceId, PageRequest page)
    {
        var rows = await _store.QueryAsync<WorkspaceMember>(
            $"""
            SELECT workspace_id, user_id, role FROM (
              SELECT workspace_id, user_id, role, user_id AS id FROM workspace_members
              WHERE organization_id = @organizationId AND workspace_id = @workspaceId) AS m
            WHERE 1 = 1{page.Where}{page.Order}
            """,
            new { organizationId, workspaceId, page.AfterId, page.BeforeId }).ConfigureAwait(false);
        return page.Cut(rows);
    }

    public Task<WorkspaceMember?> MemberAsync(string organizationId, string workspaceId, string userId) =>
        _store.FindAsync<WorkspaceMember>(
            "SELECT workspace_id, user_id, role FROM workspace_members WHERE organization_id = @organizationId AND workspace_id = @workspaceId AND user_id = @userId",
            new { organizationId, workspaceId, userId });

    /// <summary>Adds a person, or gives a member another role.</summary>
    public Task PutMemberAsync(string organizationId, string workspaceId, string userId, string role, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, workspaceId, userId, role };
            var added = await transaction.ExecuteAsync(
                """
                INSERT INTO workspace_members (organization_id, workspace_id, user_id, role)
                VALUES (@organizationId, @workspaceId, @userId, @role) ON CONFLICT DO NOTHING
                """,
                place).ConfigureAwait(false);
            if (added == 0)
                await transaction.ExecuteAsync(
                    "UPDATE workspace_members SET role = @role WHERE organization_id = @organizationId AND workspace_id = @workspaceId AND user_id = @userId", place).ConfigureAwait(false);
            var type = added > 0 ? "platform_workspace_member_added" : "platform_workspace_member_updated";
            await transaction.ChangeAsync(organizationId, actor, type, Member(workspaceId, userId, role)).ConfigureAwait(false);
            return 0;
        });

    /// <summary>False when the person is no member.</summary>
    public Task<bool> RemoveMemberAsync(string organizationId, string workspaceId, string userId, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var removed = await transaction.ExecuteAsync(
                "DELETE FROM workspace_members WHERE organization_id = @organizationId AND workspace_id = @workspaceId AND user_id = @userId",
                new { organizationId, workspaceId, userId }).ConfigureAwait(false);
            if (removed > 0)
                await transaction.ChangeAsync(organizationId, actor, "platform_workspace_member_removed", Member(workspaceId, userId, null)).ConfigureAwait(false);
            return removed > 0;
        });

    private static Dictionary<string, string?> Named(Workspace workspace) => new() { ["workspace_id"] = workspace.Id, ["name"] = workspace.Name };

    private static Dictionary<string, string?> Member(string workspaceId, string userId, string? role) =>
        new() { ["workspace_id"] = workspaceId, ["user_id"] = userId, ["workspace_role"] = role };
}
