using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Scim;

namespace Demarc.Storage.Directory;

/// <summary>A group as a directory knows it.</summary>
public sealed record ScimGroup
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    public required string Name { get; init; }

    public string? ExternalId { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Unix milliseconds; null for never.</summary>
    public long? ModifiedAt { get; init; }

    /// <summary>Another with each change, of members too.</summary>
    public required long Version { get; init; }

    /// <summary>As <see cref="Group.Source"/>.</summary>
    public string? Source { get; init; }
}

/// <summary>A person in a group.</summary>
public sealed record ScimMember(string GroupId, string Id, string Name);

/// <summary>How the people of a group change.</summary>
/// <param name="All">Everyone before; then those to add follow.</param>
public sealed record MemberChange(bool All, string[] Remove, string[] Add)
{
    public bool IsNone => !All && Remove.Length == 0 && Add.Length == 0;
}

/// <summary>Groups as a directory reads and writes them. Service accounts in a group are none of its business, and stay.</summary>
public sealed class ScimGroups
{
    // Ids that one activity names.
    private const int NamedAtOnce = 500;

    private const string Select = "SELECT id, organization_id, name, external_id, created_at, modified_at, version, source FROM groups";

    private static readonly Dictionary<string, ScimColumn> Columns = new(StringComparer.Ordinal)
    {
        ["id"] = new("id", ScimColumnKind.Exact),
        ["externalid"] = new("external_id", ScimColumnKind.Exact),
        ["displayname"] = new("name", ScimColumnKind.Written),
        ["meta.created"] = new("created_at", ScimColumnKind.Time),
        ["meta.lastmodified"] = new("coalesce(modified_at, created_at)", ScimColumnKind.Time),
        ["members"] = HasMember,
        ["members.value"] = HasMember,
    };

    private readonly Store _store;
    private readonly ScimListing<ScimGroup> _listing;

    internal ScimGroups(Store store) => (_store, _listing) = (store, new(store, Select, Columns));

    private static ScimColumn HasMember => new("id IN (SELECT group_id FROM group_members WHERE member_id = {0})", ScimColumnKind.Condition);

    public Task<ScimGroup?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<ScimGroup>(Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    /// <param name="matches">Whether each of some groups matches the filter.</param>
    /// <exception cref="ScimException">It cannot be sorted by that.</exception>
    public Task<ScimPage<ScimGroup>> ListAsync(string organizationId, ScimQuery query, Func<ScimGroup[], Task<bool[]>> matches) =>
        _listing.ListAsync(organizationId, query, matches);

    /// <summary>The people of some groups.</summary>
    public Task<ScimMember[]> MembersAsync(string organizationId, IEnumerable<string> groupIds) =>
        _store.QueryAsync<ScimMember>(
            $"""
            SELECT m.group_id, u.id, u.name FROM group_members m JOIN users u ON u.id = m.member_id
            WHERE m.organization_id = @organizationId AND {_store.IsAmong("m.group_id", "ids")} ORDER BY u.id
            """,
            new { organizationId, ids = JsonSerializer.Serialize(groupIds) });

    /// <summary>Makes a group with its people; the id and times are Demarc's own.</summary>
    public Task<(ScimOutcome Outcome, ScimGroup? Group)> CreateAsync(ScimGroup group, string[] members, ActorRecord actor)
    {
        var made = group with { Id = Ids.New(Groups.IdPrefix, _store.Time), CreatedAt = _store.Now, ModifiedAt = null, Version = 1, Source = Groups.Directory };
        return _store.WriteAsync<(ScimOutcome, ScimGroup?)>(async transaction =>
        {
            if (!await AreKnownAsync(transaction, made.OrganizationId, members).ConfigureAwait(false))
                return (ScimOutcome.NoSuchMember, null);
            var inserted = await transaction.ExecuteAsync(
                "INSERT INTO groups (id, organization_id, name, external_id, created_at, source) VALUES (@Id, @OrganizationId, @Name, @ExternalId, @CreatedAt, @Source) ON CONFLICT DO NOTHING",
                made).ConfigureAwait(false);
            if (inserted == 0)
                return (ScimOutcome.NameTaken, null);
            await transaction.ChangeAsync(made.OrganizationId, actor, "group_created", new()
            {
                ["group_id"] = made.Id,
                ["group_name"] = made.Name,
                ["external_id"] = made.ExternalId,
            }).ConfigureAwait(false);
            await ChangeMembersAsync(transaction, made, new MemberChange(false, [], members), actor).ConfigureAwait(false);
            return (ScimOutcome.Done, made);
        });
    }

    /// <summary>Puts <paramref name="after"/> in the place of <paramref name="before"/>, and changes its people, all in one transaction.</summary>
    public Task<(ScimOutcome Outcome, ScimGroup? Group)> UpdateAsync(ScimGroup before, ScimGroup after, MemberChange members, ActorRecord actor)
    {
        if (after == before && members.IsNone)
            return Task.FromResult<(ScimOutcome, ScimGroup?)>((ScimOutcome.Done, before));
        // Who gives a group their own id has it from then on.
        after = after with { ModifiedAt = _store.Now, Version = before.Version + 1, Source = after.ExternalId is null ? before.Source : Groups.Directory };
        return _store.WriteAsync<(ScimOutcome, ScimGroup?)>(async transaction =>
        {
            if (after.Name != before.Name)
            {
                await transaction.LockAsync("groups").ConfigureAwait(false);
                if (await transaction.FindAsync<string>("SELECT id FROM groups WHERE organization_id = @OrganizationId AND name = @Name AND id <> @Id", after).ConfigureAwait(false) is not null)
                    return (ScimOutcome.NameTaken, null);
            }
            if (!await AreKnownAsync(transaction, after.OrganizationId, members.Add).ConfigureAwait(false))
                return (ScimOutcome.NoSuchMember, null);
            var written = await transaction.ExecuteAsync(
                """
                UPDATE groups SET name = @Name, external_id = @ExternalId, modified_at = @ModifiedAt, version = @Version, source = @Source
                WHERE organization_id = @OrganizationId AND id = @Id AND version = @Version - 1
                """,
                after).ConfigureAwait(false);
            if (written == 0)
                return (ScimOutcome.Changed, null);
            if (after.Name != before.Name || after.ExternalId != before.ExternalId)
                await transaction.ChangeAsync(after.OrganizationId, actor, "group_updated", new()
                {
                    ["group_id"] = after.Id,
                    ["previous_name"] = before.Name,
                    ["group_name"] = after.Name,
                    ["external_id"] = after.ExternalId,
                }).ConfigureAwait(false);
            await ChangeMembersAsync(transaction, after, members, actor).ConfigureAwait(false);
            return (ScimOutcome.Done, after);
        });
    }

    /// <param name="version">The one it must still have; null for whichever.</param>
    public Task<ScimOutcome> DeleteAsync(string organizationId, string id, long? version, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var group = await transaction.FindAsync<ScimGroup>(Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id }).ConfigureAwait(false);
            if (group is null || (version is not null && group.Version != version))
                return group is null ? ScimOutcome.Absent : ScimOutcome.Changed;
            await transaction.ExecuteAsync("DELETE FROM groups WHERE organization_id = @organizationId AND id = @id", new { organizationId, id }).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "group_deleted", new() { ["group_id"] = id, ["group_name"] = group.Name }).ConfigureAwait(false);
            return ScimOutcome.Done;
        });

    private async Task<bool> AreKnownAsync(StoreTransaction transaction, string organizationId, string[] ids)
    {
        if (ids.Length == 0)
            return true;
        var known = await transaction.FindAsync<long>(
            $"SELECT count(*) FROM users WHERE organization_id = @organizationId AND {_store.IsAmong("id", "ids")}",
            new { organizationId, ids = JsonSerializer.Serialize(ids) }).ConfigureAwait(false);
        return known == ids.Distinct().Count();
    }

    private async Task ChangeMembersAsync(StoreTransaction transaction, ScimGroup group, MemberChange change, ActorRecord actor)
    {
        // People alone: a service account of the group is not named by any directory.
        var held = await transaction.QueryAsync<string>(
            $"""
            SELECT member_id FROM group_members WHERE organization_id = @OrganizationId AND group_id = @Id
              AND ({(change.All ? "member_id LIKE 'user!_%' ESCAPE '!'" : $"{_store.IsAmong("member_id", "named")}")})
            """,
            new { group.OrganizationId, group.Id, named = JsonSerializer.Serialize(change.Remove.Concat(change.Add)) }).ConfigureAwait(false);
        string[] removed = [.. (change.All ? held : held.Intersect(change.Remove)).Except(change.Add)];
        string[] added = [.. change.Add.Distinct().Except(held)];
        await transaction.ExecuteAsync(
            $"DELETE FROM group_members WHERE organization_id = @OrganizationId AND group_id = @Id AND {_store.IsAmong("member_id", "ids")}",
            new { group.OrganizationId, group.Id, ids = JsonSerializer.Serialize(removed) }).ConfigureAwait(false);
        await transaction.ExecuteAsync(
            $"""
            INSERT INTO group_members (organization_id, group_id, member_id, issuer)
            SELECT @OrganizationId, @Id, u.id, @Directory FROM users u WHERE u.organization_id = @OrganizationId AND {_store.IsAmong("u.id", "ids")}
            ON CONFLICT DO NOTHING
            """,
            new { group.OrganizationId, group.Id, Groups.Directory, ids = JsonSerializer.Serialize(added) }).ConfigureAwait(false);
        foreach (var (type, members) in new[] { ("group_member_added", added), ("group_member_removed", removed) })
            foreach (var some in members.Chunk(NamedAtOnce))
                await transaction.ChangeAsync(group.OrganizationId, actor, type, new() { ["group_id"] = group.Id, ["member_ids"] = string.Join(' ', some) }).ConfigureAwait(false);
    }
}
