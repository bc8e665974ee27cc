using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>An API key as listings show it; the key itself is kept only as a hash.</summary>
public sealed record StoredApiKey
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary><c>inference</c>, <c>admin</c> or <c>compliance</c>.</summary>
    public required string Kind { get; init; }

    public required string Name { get; init; }

    /// <summary>The start and the last four characters.</summary>
    public required string Hint { get; init; }

    /// <summary><c>user</c> or <c>service_account</c>: what the key acts as.</summary>
    public required string PrincipalType { get; init; }

    public required string PrincipalId { get; init; }

    /// <summary>Null for the default workspace.</summary>
    public string? WorkspaceId { get; init; }

    /// <summary>The one project that it is for; null for a key that is for any.</summary>
    public string? ProjectId { get; init; }

    public required string CreatedByType { get; init; }

    public required string CreatedById { get; init; }

    /// <summary>Unix milliseconds, as are the other times.</summary>
    public required long CreatedAt { get; init; }

    public long? ExpiresAt { get; init; }

    /// <summary><c>active</c>, <c>inactive</c>, <c>archived</c>, or <c>expired</c> (active, past its end).</summary>
    public required string Status { get; init; }

    /// <summary>To the minute.</summary>
    public long? LastUsedAt { get; init; }

    /// <summary>Until when a compliance key may read captured content without a review.</summary>
    public long? ReadExemptUntil { get; init; }
}

/// <summary>What a new key is to be.</summary>
public sealed record NewApiKey(
    string OrganizationId,
    ApiKeyKind Kind,
    string Name,
    string PrincipalType,
    string PrincipalId,
    string? WorkspaceId = null,
    DateTimeOffset? ExpiresAt = null,
    DateTimeOffset? ReadExemptUntil = null,
    string? ProjectId = null);

/// <summary>Filters of the Admin API's list of keys; null does not filter.</summary>
public sealed record ApiKeyFilter(string? Status = null, string? WorkspaceId = null, string? CreatedByUserId = null);

public sealed class ApiKeys
{
    // The status as of @Now: a key past its end is expired without anybody writing so.
    private const string Columns =
        """
        id, organization_id, kind, name, hint, principal_type, principal_id, workspace_id, project_id, created_by_type, created_by_id,
        created_at, expires_at, last_used_at, read_exempt_until,
        CASE WHEN status = 'active' AND expires_at <= @Now THEN 'expired' ELSE status END AS status
        """;

    private const string OtherAdmin =
        """
        SELECT k.id FROM api_keys k
        LEFT JOIN users u ON k.principal_type = 'user' AND u.id = k.principal_id
        LEFT JOIN service_accounts s ON k.principal_type = 'service_account' AND s.id = k.principal_id
        WHERE k.organization_id = @organizationId AND k.id <> @id AND k.kind = 'admin' AND k.status = 'active'
          AND (k.expires_at IS NULL OR k.expires_at > @Now) AND coalesce(u.status, s.status) = 'active'
        LIMIT 1
        """;

    private readonly Store _store;
    private readonly byte[] _macKey;

    internal ApiKeys(Store store, MasterKey master)
    {
        _store = store;
        _macKey = master.Derive("demarc api key");
    }

    /// <summary>Makes a key. The secret is shown here and never again.</summary>
    public async Task<(StoredApiKey Key, Secret Secret)> CreateAsync(NewApiKey key, ActorRecord actor)
    {
        var (id, secret) = ApiKey.Create(key.Kind, _macKey, _store.Time);
        var stored = new StoredApiKey
        {
            Id = id,
            OrganizationId = key.OrganizationId,
            Kind = ApiKey.KindName(key.Kind),
            Name = key.Name,
            Hint = ApiKey.Hint(secret.Reveal()),
            PrincipalType = key.PrincipalType,
            PrincipalId = key.PrincipalId,
            WorkspaceId = key.WorkspaceId,
            ProjectId = key.ProjectId,
            CreatedByType = actor.Type,
            CreatedById = actor.Id,
            CreatedAt = _store.Now,
            ExpiresAt = key.ExpiresAt?.ToUnixTimeMilliseconds(),
            Status = "active",
            ReadExemptUntil = key.ReadExemptUntil?.ToUnixTimeMilliseconds(),
        };
        await _store.WriteAsync(async transaction =>
        {
            await transaction.ExecuteAsync(
                """
                INSERT INTO api_keys (id, organization_id, kind, name, hash, hint, principal_type, principal_id, workspace_id,
                  project_id, created_by_type, created_by_id, created_at, expires_at, status, read_exempt_until)
                VALUES (@Id, @OrganizationId, @Kind, @Name, @hash, @Hint, @PrincipalType, @PrincipalId, @WorkspaceId,
                  @ProjectId, @CreatedByType, @CreatedById, @CreatedAt, @ExpiresAt, @Status, @ReadExemptUntil)
                """,
                new
                {
                    stored.Id,
                    stored.OrganizationId,
                    stored.Kind,
                    stored.Name,
                    hash = ApiKey.Hash(secret.Reveal()),
                    stored.Hint,
                    stored.PrincipalType,
                    stored.PrincipalId,
                    stored.WorkspaceId,
                    stored.ProjectId,
                    stored.CreatedByType,
                    stored.CreatedById,
                    stored.CreatedAt,
                    stored.ExpiresAt,
                    stored.Status,
                    stored.ReadExemptUntil,
                }).ConfigureAwait(false);
            await transaction.ChangeAsync(key.OrganizationId, actor, "platform_api_key_created", new()
            {
                ["api_key_id"] = id,
                ["name"] = key.Name,
                ["kind"] = stored.Kind,
                ["principal_id"] = key.PrincipalId,
                ["workspace_id"] = key.WorkspaceId,
                ["claude_project_id"] = key.ProjectId,
                ["expires_at"] = key.ExpiresAt?.ToString("O"),
                ["read_exempt_until"] = key.ReadExemptUntil?.ToString("O"),
            }).ConfigureAwait(false);
            return 0;
        }).ConfigureAwait(false);
        return (stored, secret);
    }

    public Task<StoredApiKey?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<StoredApiKey>(
            $"SELECT {Columns} FROM api_keys WHERE organization_id = @organizationId AND id = @id",
            new { organizationId, id, _store.Now });

    public async Task<Page<StoredApiKey>> ListAsync(string organizationId, ApiKeyFilter filter, PageRequest page)
    {
        var sql = $"SELECT * FROM (SELECT {Columns} FROM api_keys WHERE organization_id = @organizationId) AS k WHERE 1 = 1";
        if (filter.Status != null)
            sql += " AND status = @Status";
        if (filter.WorkspaceId != null)
            sql += " AND workspace_id = @WorkspaceId";
        if (filter.CreatedByUserId != null)
            sql += " AND created_by_type = 'user' AND created_by_id = @CreatedByUserId";
        return page.Cut(await _store.QueryAsync<StoredApiKey>(
            sql + page.Where + page.Order,
            new { organizationId, filter.Status, filter.WorkspaceId, filter.CreatedByUserId, page.AfterId, page.BeforeId, _store.Now }).ConfigureAwait(false));
    }

    /// <summary>
    /// Changes what is not null (<paramref name="status"/>: active, inactive, archived); null when there is no such key.
    /// With <paramref name="keepLastAdmin"/>, a change that would leave no admin key that holds is not made, and the
    /// key is returned as it is.
    /// </summary>
    public Task<StoredApiKey?> UpdateAsync(
        string organizationId, string id, ActorRecord actor, string? name = null, string? status = null, bool keepLastAdmin = false) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, id, name, status, _store.Now };
            await transaction.LockAsync("api_keys").ConfigureAwait(false);
            var before = await transaction.FindAsync<StoredApiKey>(
                $"SELECT {Columns} FROM api_keys WHERE organization_id = @organizationId AND id = @id", place).ConfigureAwait(false);
            if (before == null)
                return null;
            if (keepLastAdmin && status is not (null or "active") && before is { Kind: "admin", Status: "active" }
                && await transaction.FindAsync<string>(OtherAdmin, place).ConfigureAwait(false) == null)
                return before;
            var after = await transaction.FindAsync<StoredApiKey>(
                $"""
                UPDATE api_keys SET name = coalesce(@name, name), status = coalesce(@status, status)
                WHERE organization_id = @organizationId AND id = @id RETURNING {Columns}
                """,
                place).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "platform_api_key_updated", new()
            {
                ["api_key_id"] = id,
                ["previous_name"] = before.Name,
                ["current_name"] = after!.Name,
                ["previous_status"] = before.Status,
                ["current_status"] = after.Status,
            }).ConfigureAwait(false);
            return after;
        });
}
