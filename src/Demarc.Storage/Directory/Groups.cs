using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>A group of users and service accounts: <c>rbac_group_…</c>.</summary>
public sealed record Group
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>Unique in the organization; what policies match.</summary>
    public required string Name { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Who fills it: <see cref="Groups.Directory"/>, an issuer's address, or null for administrators here.</summary>
    public string? Source { get; init; }
}

/// <summary>A member of a group.</summary>
public sealed record GroupMembership
{
    /// <summary>The group's.</summary>
    public required string Name { get; init; }

    /// <summary><c>user_…</c> or <c>svac_…</c>.</summary>
    public required string MemberId { get; init; }
}

public sealed class Groups
{
    /// <summary>What <see cref="Group.Source"/> and memberships call a directory.</summary>
    public const string Directory = "scim";

    internal const string IdPrefix = "rbac_group_";
    private const string Select = "SELECT id, organization_id, name, created_at, source FROM groups";

    private readonly Store _store;

    internal Groups(Store store) => _store = store;

    /// <summary>Makes an empty group; null when the name is taken in the organization.</summary>
    public Task<Group?> CreateAsync(string organizationId, string name, ActorRecord actor)
    {
        var group = new Group
        {
            Id = Ids.New(IdPrefix, _store.Time),
            OrganizationId = organizationId,
            Name = name,
            CreatedAt = _store.Now,
        };
        return _store.WriteAsync(async transaction =>
        {
            var made = await transaction.ExecuteAsync(
                "INSERT INTO groups (id, organization_id, name, created_at) VALUES (@Id, @OrganizationId, @Name, @CreatedAt) ON CONFLICT DO NOTHING",
                group).ConfigureAwait(false);
            if (made == 0)
                return null;
            await transaction.ChangeAsync(organizationId, actor, "group_created", new()
            {
                ["group_id"] = group.Id,
                ["group_name"] = name,
            }).ConfigureAwait(false);
            return group;
        });
    }

    public Task<Group?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<Group>(Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    public Task<Group?> GetByNameAsync(string organizationId, string name) =>
        _store.FindAsync<Group>(Select + " WHERE organization_id = @organizationId AND name = @name", new { organizationId, name });

    /// <summary>Names of the groups that a user or service account belongs to.</summary>
    public Task<string[]> NamesOfAsync(string organizationId, string memberId) =>
        _store.QueryAsync<string>(
            "SELECT g.name FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.organization_id = @organizationId AND m.member_id = @memberId ORDER BY g.name",
            new { organizationId, memberId });

    public async Task<Page<Group>> ListAsync(string organizationId, PageRequest page) =>
        page.Cut(await _store.QueryAsync<Group>(
            Select + " WHERE organization_id = @organizationId" + page.Where + page.Order,
            new { organizationId, page.AfterId, page.BeforeId }).ConfigureAwait(false));

    /// <summary>Every member of every group, by the group's name.</summary>
    public Task<GroupMembership[]> MembershipsAsync(string organizationId) =>
        _store.QueryAsync<GroupMembership>(
            """
            SELECT g.name, m.member_id FROM group_members m JOIN groups g ON g.id = m.group_id
            WHERE g.organization_id = @organizationId ORDER BY g.name, m.member_id
            """,
            new { organizationId });

    /// <summary>The groups of some members, by the group's name.</summary>
    public Task<GroupMembership[]> MembershipsAsync(string organizationId, IEnumerable<string> memberIds) =>
        _store.QueryAsync<GroupMembership>(
            $"""
            SELECT g.name, m.member_id FROM group_members m JOIN groups g ON g.id = m.group_id
            WHERE m.organization_id = @organizationId AND {_store.IsAmong("m.member_id", "ids")} ORDER BY g.name, m.member_id
            """,
            new { organizationId, ids = JsonSerializer.Serialize(memberIds) });

    /// <summary>Ids of the members, oldest first.</summary>
    public Task<string[]> MembersAsync(string organizationId, string groupId) =>
        _store.QueryAsync<string>(
            "SELECT member_id FROM group_members WHERE organization_id = @organizationId AND group_id = @groupId ORDER BY member_id",
            new { organizationId, groupId });

    /// <summary>Adds and removes members (<c>user_…</c>, <c>svac_…</c>) by id; false when there is no such group.</summary>
    public Task<bool> UpdateMembersAsync(string organizationId, string groupId, string[] add, string[] remove, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var group = await transaction.FindAsync<Group>(
                Select + " WHERE organization_id = @organizationId AND id = @groupId", new { organizationId, groupId }).ConfigureAwait(false);
            if (group == null)
                return false;
            await TouchAsync(transaction, organizationId, groupId, _store.Now).ConfigureAwait(false);
            await Members.ChangeAsync(_store, transaction, "group_members", "group_id", organizationId, groupId, add, remove).ConfigureAwait(false);
            foreach (var (type, members) in new[] { ("group_member_added", add), ("group_member_removed", remove) })
                if (members.Length > 0)
                    await transaction.ChangeAsync(organizationId, actor, type, new() { ["group_id"] = groupId, ["member_ids"] = string.Join(' ', members) }).ConfigureAwait(false);
            return true;
        });

    /// <summary>Removes a group and its memberships; false when there is no such group.</summary>
    public Task<bool> DeleteAsync(string organizationId, string groupId, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var deleted = await transaction.ExecuteAsync(
                "DELETE FROM groups WHERE organization_id = @organizationId AND id = @groupId", new { organizationId, groupId }).ConfigureAwait(false);
            if (deleted == 0)
                return false;
            await transaction.ChangeAsync(organizationId, actor, "group_deleted", new() { ["group_id"] = groupId }).ConfigureAwait(false);
            return true;
        });

    /// <summary>Says that a group is no longer as it was read.</summary>
    internal static Task TouchAsync(StoreTransaction transaction, string organizationId, string groupId, long now) =>
        transaction.ExecuteAsync(
            "UPDATE groups SET modified_at = @now, version = version + 1 WHERE organization_id = @organizationId AND id = @groupId", new { organizationId, groupId, now });
}
