using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Scim;

namespace Demarc.Storage.Directory;

/// <summary>A person as a directory knows them.</summary>
public sealed record ScimUser
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>In lower case.</summary>
    public required string Email { get; init; }

    public required string Name { get; init; }

    /// <summary><c>active</c> or <c>inactive</c>.</summary>
    public required string Status { get; init; }

    /// <summary>As the directory writes it; null for a person whom no directory named, who goes by the address.</summary>
    public string? UserName { get; init; }

    public string? ExternalId { get; init; }

    public string? CostCenter { get; init; }

    public string? Department { get; init; }

    /// <summary>A user's id, or what else the directory names the manager by.</summary>
    public string? Manager { get; init; }

    /// <summary>The other attributes, as JSON; null for none.</summary>
    public string? Document { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Unix milliseconds; null for never.</summary>
    public long? ModifiedAt { get; init; }

    /// <summary>Another with each change.</summary>
    public required long Version { get; init; }

    internal string Key => (UserName ?? Email).ToLowerInvariant();
}

/// <summary>A group that a person is in.</summary>
public sealed record UserGroup(string UserId, string Id, string Name);

/// <summary>What came of a directory's change.</summary>
public enum ScimOutcome
{
    Done,

    /// <summary>There is none of that id.</summary>
    Absent,

    /// <summary>It was changed since it was read.</summary>
    Changed,

    /// <summary>Another has the user name, or the group's name.</summary>
    NameTaken,

    /// <summary>The group is not the directory's, and a second administrator approves who is in it.</summary>
    Closed,

    /// <summary>Another has the address.</summary>
    EmailTaken,

    /// <summary>A member is nobody.</summary>
    NoSuchMember,
}

/// <summary>People as a directory reads and writes them.</summary>
public sealed class ScimUsers
{
    private const string Select =
        """
        SELECT id, organization_id, email, name, status, user_name, external_id, cost_center, department, manager, document, created_at, modified_at, version
        FROM users
        """;

    private static readonly Dictionary<string, ScimColumn> Columns = new(StringComparer.Ordinal)
    {
        ["id"] = new("id", ScimColumnKind.Exact),
        ["externalid"] = new("external_id", ScimColumnKind.Exact),
        // As the index has it.
        ["username"] = new("coalesce(user_name_key, email)", ScimColumnKind.Lower),
        ["displayname"] = new("name", ScimColumnKind.Written),
        ["active"] = new("status", ScimColumnKind.Active),
        ["meta.created"] = new("created_at", ScimColumnKind.Time),
        ["meta.lastmodified"] = new("coalesce(modified_at, created_at)", ScimColumnKind.Time),
        ["groups"] = InGroup,
        ["groups.value"] = InGroup,
    };

    private readonly Store _store;
    private readonly ScimListing<ScimUser> _listing;

    internal ScimUsers(Store store) => (_store, _listing) = (store, new(store, Select, Columns));

    private static ScimColumn InGroup => new("id IN (SELECT member_id FROM group_members WHERE group_id = {0})", ScimColumnKind.Condition);

    public Task<ScimUser?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<ScimUser>(Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    /// <param name="matches">Whether each of some people matches the filter.</param>
    /// <exception cref="ScimException">It cannot be sorted by that.</exception>
    public Task<ScimPage<ScimUser>> ListAsync(string organizationId, ScimQuery query, Func<ScimUser[], Task<bool[]>> matches) =>
        _listing.ListAsync(organizationId, query, matches);

    /// <summary>The groups of some people, by name.</summary>
    public Task<UserGroup[]> GroupsAsync(string organizationId, IEnumerable<string> userIds) =>
        _store.QueryAsync<UserGroup>(
            $"""
            SELECT m.member_id AS user_id, g.id, g.name FROM group_members m JOIN groups g ON g.id = m.group_id
            WHERE m.organization_id = @organizationId AND m.member_id IN {_store.TextsOfJson("ids")} ORDER BY g.name
            """,
            new { organizationId, ids = JsonSerializer.Serialize(userIds) });

    /// <summary>Makes a person; the id and times are Demarc's own.</summary>
    /// <returns>The person, where it is done.</returns>
    public Task<(ScimOutcome Outcome, ScimUser? User)> CreateAsync(ScimUser user, string role, ActorRecord actor)
    {
        var made = user with { Id = Ids.New(Ids.User, _store.Time), CreatedAt = _store.Now, ModifiedAt = null, Version = 1 };
        return _store.WriteAsync<(ScimOutcome, ScimUser?)>(async transaction =>
        {
            var inserted = await transaction.ExecuteAsync(
                """
                INSERT INTO users (id, organization_id, email, name, role, status, created_at, cost_center, user_name, user_name_key, external_id, department, manager, document)
                VALUES (@Id, @OrganizationId, @Email, @Name, @role, @Status, @CreatedAt, @CostCenter, @UserName, @Key, @ExternalId, @Department, @Manager, @Document)
                ON CONFLICT DO NOTHING
                """,
                Row(made, role)).ConfigureAwait(false);
            if (inserted == 0)
                return (await TakenAsync(transaction, made).ConfigureAwait(false), null);
            await transaction.ChangeAsync(made.OrganizationId, actor, "scim_user_created", new()
            {
                ["user_id"] = made.Id,
                ["user_email"] = made.Email,
                ["user_name"] = made.UserName,
                ["external_id"] = made.ExternalId,
                ["status"] = made.Status,
                ["role"] = role,
            }).ConfigureAwait(false);
            return (ScimOutcome.Done, made);
        });
    }

    /// <summary>Puts <paramref name="after"/> in the place of <paramref name="before"/>. One who is no longer active is signed out everywhere.</summary>
    public Task<(ScimOutcome Outcome, ScimUser? User)> UpdateAsync(ScimUser before, ScimUser after, ActorRecord actor)
    {
        after = after with { Id = before.Id, OrganizationId = before.OrganizationId, CreatedAt = before.CreatedAt, ModifiedAt = before.ModifiedAt, Version = before.Version };
        if (after == before)
            return Task.FromResult<(ScimOutcome, ScimUser?)>((ScimOutcome.Done, before));
        after = after with { ModifiedAt = _store.Now, Version = before.Version + 1 };
        return _store.WriteAsync<(ScimOutcome, ScimUser?)>(async transaction =>
        {
            if (after.Key != before.Key || after.Email != before.Email)
            {
                await transaction.LockAsync("users").ConfigureAwait(false);
                if (await TakenAsync(transaction, after).ConfigureAwait(false) is var taken and not ScimOutcome.Done)
                    return (taken, null);
            }
            var written = await transaction.ExecuteAsync(
                """
                UPDATE users SET email = @Email, name = @Name, status = @Status, cost_center = @CostCenter, user_name = @UserName, user_name_key = @Key,
                  external_id = @ExternalId, department = @Department, manager = @Manager, document = @Document, modified_at = @ModifiedAt, version = @Version
                WHERE organization_id = @OrganizationId AND id = @Id AND version = @Version - 1
                """,
                Row(after)).ConfigureAwait(false);
            if (written == 0)
                return (ScimOutcome.Changed, null);
            if (after.Status != "active" && before.Status == "active")
                await transaction.ExecuteAsync("UPDATE sign_ins SET status = 'revoked' WHERE organization_id = @OrganizationId AND user_id = @Id AND status = 'active'", after).ConfigureAwait(false);
            await transaction.ChangeAsync(after.OrganizationId, actor, "scim_user_updated", new()
            {
                ["user_id"] = after.Id,
                ["user_email"] = after.Email,
                ["changed"] = string.Join(' ', Changes(before, after)),
                ["previous_status"] = before.Status,
                ["current_status"] = after.Status,
            }).ConfigureAwait(false);
            return (ScimOutcome.Done, after);
        });
    }

    /// <summary>Removes a person for good, with sessions, roles, memberships and identities; their keys are archived. Records of what they did stay.</summary>
    /// <param name="version">The one it must still have; null for whichever.</param>
    public Task<ScimOutcome> DeleteAsync(string organizationId, string id, long? version, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, id, _store.Now };
            var user = await transaction.FindAsync<ScimUser>(Select + " WHERE organization_id = @organizationId AND id = @id", place).ConfigureAwait(false);
            if (user is null || (version is not null && user.Version != version))
                return user is null ? ScimOutcome.Absent : ScimOutcome.Changed;
            foreach (var statement in (string[])
                [
                    "UPDATE api_keys SET status = 'archived' WHERE organization_id = @organizationId AND principal_id = @id",
                    "DELETE FROM role_assignments WHERE organization_id = @organizationId AND member_id = @id",
                    "UPDATE groups SET modified_at = @Now, version = version + 1 WHERE organization_id = @organizationId AND id IN (SELECT group_id FROM group_members WHERE member_id = @id)",
                    "DELETE FROM group_members WHERE organization_id = @organizationId AND member_id = @id",
                    "DELETE FROM project_members WHERE organization_id = @organizationId AND member_id = @id",
                    "DELETE FROM workspace_members WHERE organization_id = @organizationId AND user_id = @id",
                    "DELETE FROM users WHERE organization_id = @organizationId AND id = @id",
                ])
                await transaction.ExecuteAsync(statement, place).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "scim_user_deleted", new()
            {
                ["user_id"] = id,
                ["user_email"] = user.Email,
                ["external_id"] = user.ExternalId,
            }).ConfigureAwait(false);
            return ScimOutcome.Done;
        });

    private static async Task<ScimOutcome> TakenAsync(StoreTransaction transaction, ScimUser user)
    {
        var place = new { user.Id, user.OrganizationId, user.Email, user.Key };
        if (await transaction.FindAsync<string>(
            "SELECT id FROM users WHERE organization_id = @OrganizationId AND coalesce(user_name_key, email) = @Key AND id <> @Id", place).ConfigureAwait(false) is not null)
            return ScimOutcome.NameTaken;
        return await transaction.FindAsync<string>("SELECT id FROM users WHERE organization_id = @OrganizationId AND email = @Email AND id <> @Id", place).ConfigureAwait(false) is null
            ? ScimOutcome.Done
            : ScimOutcome.EmailTaken;
    }

    private static IEnumerable<string> Changes(ScimUser before, ScimUser after)
    {
        (string Name, bool Same)[] all =
        [
            ("userName", before.UserName == after.UserName), ("email", before.Email == after.Email), ("displayName", before.Name == after.Name),
            ("active", before.Status == after.Status), ("externalId", before.ExternalId == after.ExternalId), ("costCenter", before.CostCenter == after.CostCenter),
            ("department", before.Department == after.Department), ("manager", before.Manager == after.Manager), ("other", before.Document == after.Document),
        ];
        return all.Where(c => !c.Same).Select(c => c.Name);
    }

    private static object Row(ScimUser user, string? role = null) => new
    {
        user.Id,
        user.OrganizationId,
        user.Email,
        user.Name,
        role,
        user.Status,
        user.CreatedAt,
        user.CostCenter,
        user.UserName,
        user.Key,
        user.ExternalId,
        user.Department,
        user.Manager,
        user.Document,
        user.ModifiedAt,
        user.Version,
    };
}
