using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>A person: <c>user_…</c>.</summary>
public sealed record User
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>In lower case; unique in the organization.</summary>
    public required string Email { get; init; }

    public required string Name { get; init; }

    /// <summary>For example <c>developer</c> or <c>admin</c>.</summary>
    public required string Role { get; init; }

    /// <summary><c>active</c> or <c>inactive</c>; the keys of an inactive user do not hold.</summary>
    public required string Status { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Who pays for what the person spends, in the organization's own words; null for nobody named.</summary>
    public string? CostCenter { get; init; }
}

public sealed class Users
{
    private const string Select = "SELECT id, organization_id, email, name, role, status, created_at, cost_center FROM users";

    private readonly Store _store;

    internal Users(Store store) => _store = store;

    /// <summary>Makes an active user; null when the address is taken in the organization.</summary>
    public Task<User?> CreateAsync(string organizationId, string email, string name, string role, ActorRecord actor)
    {
        var user = new User
        {
            Id = Ids.New(Ids.User, _store.Time),
            OrganizationId = organizationId,
            Email = email.ToLowerInvariant(),
            Name = name,
            Role = role,
            Status = "active",
            CreatedAt = _store.Now,
        };
        return _store.WriteAsync(async transaction => await InsertAsync(transaction, user, actor).ConfigureAwait(false) ? user : null);
    }

    /// <summary>False when the address is taken.</summary>
    internal static async Task<bool> InsertAsync(StoreTransaction transaction, User user, ActorRecord actor)
    {
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO users (id, organization_id, email, name, role, status, created_at)
            VALUES (@Id, @OrganizationId, @Email, @Name, @Role, @Status, @CreatedAt) ON CONFLICT DO NOTHING
            """,
            user).ConfigureAwait(false);
        if (made == 0)
            return false;
        await transaction.ChangeAsync(user.OrganizationId, actor, "demarc_user_created", new()
        {
            ["user_id"] = user.Id,
            ["email"] = user.Email,
            ["role"] = user.Role,
        }).ConfigureAwait(false);
        return true;
    }

    public Task<User?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<User>(Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    public Task<User?> GetByEmailAsync(string organizationId, string email) =>
        _store.FindAsync<User>(
            Select + " WHERE organization_id = @organizationId AND email = @email",
            new { organizationId, email = email.ToLowerInvariant() });

    /// <summary>Those of these ids that there are, newest first.</summary>
    public Task<User[]> FindAsync(string organizationId, IEnumerable<string> ids) =>
        _store.QueryAsync<User>(
            Select + $" WHERE organization_id = @organizationId AND {_store.IsAmong("id", "ids")} ORDER BY id DESC",
            new { organizationId, ids = JsonSerializer.Serialize(ids) });

    /// <param name="roles">Any of which a user has; empty does not filter.</param>
    public async Task<Page<User>> ListAsync(string organizationId, PageRequest page, string? email = null, params string[] roles)
    {
        var sql = Select + " WHERE organization_id = @organizationId";
        if (email != null)
            sql += " AND email = @email";
        if (roles.Length > 0)
            sql += $" AND role IN {_store.TextsOfJson("roles")}";
        return page.Cut(await _store.QueryAsync<User>(
            sql + page.Where + page.Order,
            new { organizationId, email = email?.ToLowerInvariant(), roles = JsonSerializer.Serialize(roles), page.AfterId, page.BeforeId }).ConfigureAwait(false));
    }

    /// <summary>The people whose cost center is named.</summary>
    public Task<User[]> CostCentersAsync(string organizationId) =>
        _store.QueryAsync<User>(Select + " WHERE organization_id = @organizationId AND cost_center IS NOT NULL", new { organizationId });

    /// <summary>Changes what is not null; null when there is no such user.</summary>
    /// <param name="costCenter">Empty for none.</param>
    public Task<User?> UpdateAsync(
        string organizationId, string id, ActorRecord actor, string? name = null, string? role = null, string? status = null, string? costCenter = null) =>
        _store.WriteAsync(async transaction =>
        {
            var before = await transaction.FindAsync<User>(Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id }).ConfigureAwait(false);
            var user = await transaction.FindAsync<User>(
                """
                UPDATE users SET name = coalesce(@name, name), role = coalesce(@role, role), status = coalesce(@status, status),
                  cost_center = CASE WHEN @costCenter IS NULL THEN cost_center ELSE nullif(@costCenter, '') END, modified_at = @Now, version = version + 1
                WHERE organization_id = @organizationId AND id = @id
                RETURNING id, organization_id, email, name, role, status, created_at, cost_center
                """,
                new { organizationId, id, name, role, status, costCenter, _store.Now }).ConfigureAwait(false);
            if (user == null)
                return null;
            if (before?.Role != user.Role)
                await transaction.ChangeAsync(organizationId, actor, "claude_user_role_updated", new()
                {
                    ["user_id"] = id,
                    ["user_email"] = user.Email,
                    ["previous_role"] = before?.Role,
                    ["current_role"] = user.Role,
                }).ConfigureAwait(false);
            if (name != null || status != null || costCenter != null)
                await transaction.ChangeAsync(organizationId, actor, "demarc_user_updated", new()
                {
                    ["user_id"] = id,
                    ["name"] = name,
                    ["status"] = status,
                    ["cost_center"] = costCenter,
                }).ConfigureAwait(false);
            return user;
        });
}
