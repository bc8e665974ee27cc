namespace Demarc.Storage.Directory;

/// <summary>A group as auditors see it.</summary>
public sealed record ListedGroup
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Unix milliseconds, as is <see cref="ModifiedAt"/>.</summary>
    public required long CreatedAt { get; init; }

    public long? ModifiedAt { get; init; }

    /// <summary>As <see cref="Group.Source"/>.</summary>
    public string? Source { get; init; }
}

/// <summary>A person in a group.</summary>
public sealed record ListedMember
{
    public required string UserId { get; init; }

    public required string Email { get; init; }
}

/// <summary>The directory read from its oldest entry on, a page at a time, as auditors read it.</summary>
public sealed class DirectoryListings
{
    private readonly Store _store;

    internal DirectoryListings(Store store) => _store = store;

    /// <summary>Active users behind an id, oldest first.</summary>
    /// <param name="after">Empty for the first page.</param>
    public async Task<Page<User>> UsersAsync(string organizationId, string after, int limit) =>
        Page<User>.Cut(await _store.QueryAsync<User>(
            $"""
            SELECT id, organization_id, email, name, role, status, created_at, cost_center FROM users
            WHERE organization_id = @organizationId AND status = 'active' AND id > @after ORDER BY id LIMIT {limit + 1}
            """,
            new { organizationId, after }).ConfigureAwait(false), limit, towardsNewest: false);

    /// <summary>Groups behind an id, oldest first.</summary>
    /// <param name="prefix">What their names begin with; empty for any.</param>
    public async Task<Page<ListedGroup>> GroupsAsync(string organizationId, string prefix, string after, int limit) =>
        Page<ListedGroup>.Cut(await _store.QueryAsync<ListedGroup>(
            $"""
            SELECT id, name, created_at, modified_at, source FROM groups
            WHERE organization_id = @organizationId AND id > @after AND substr(name, 1, length(@prefix)) = @prefix ORDER BY id LIMIT {limit + 1}
            """,
            new { organizationId, after, prefix }).ConfigureAwait(false), limit, towardsNewest: false);

    /// <summary>Null where there is no such group.</summary>
    public Task<ListedGroup?> GroupAsync(string organizationId, string id) =>
        _store.FindAsync<ListedGroup>("SELECT id, name, created_at, modified_at, source FROM groups WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    /// <summary>Active people of a group behind an id, oldest account first.</summary>
    public async Task<Page<ListedMember>> MembersAsync(string organizationId, string groupId, string after, int limit) =>
        Page<ListedMember>.Cut(await _store.QueryAsync<ListedMember>(
            $"""
            SELECT u.id AS user_id, u.email FROM group_members m JOIN users u ON u.id = m.member_id
            WHERE m.organization_id = @organizationId AND m.group_id = @groupId AND u.status = 'active' AND u.id > @after ORDER BY u.id LIMIT {limit + 1}
            """,
            new { organizationId, groupId, after }).ConfigureAwait(false), limit, towardsNewest: false);
}
