using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>A person signed in on one machine, and the person as the directory has them now.</summary>
public sealed record StoredSignIn
{
    /// <summary><c>signin_…</c>.</summary>
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    public required string UserId { get; init; }

    public required string Issuer { get; init; }

    /// <summary><c>active</c>; or <c>signed_out</c>, <c>reused</c> (a refresh token came twice), <c>unseated</c>, <c>left</c> (the issuer knows the person no more) or <c>revoked</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Which refresh token holds, from 0.</summary>
    public required int Generation { get; init; }

    /// <summary>Unix milliseconds, as is <see cref="ExpiresAt"/>: when that token was made.</summary>
    public required long RotatedAt { get; init; }

    public required long ExpiresAt { get; init; }

    public string? IpAddress { get; init; }

    public required string Email { get; init; }

    public required string Name { get; init; }

    public required string UserStatus { get; init; }

    internal bool Holds(long now) => Status == "active" && UserStatus == "active" && ExpiresAt > now;
}

/// <summary>A session whose issuer is to be asked again.</summary>
public sealed record DueCheck
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    public required string Issuer { get; init; }

    public required string Subject { get; init; }

    /// <summary>What asks it, sealed.</summary>
    public required byte[] GrantSealed { get; init; }

    /// <summary>When it was asked last, Unix milliseconds.</summary>
    public required long CheckedAt { get; init; }
}

public sealed class SignIns
{
    private const string Select =
        """
        SELECT i.id, i.organization_id, i.user_id, i.issuer, i.status, i.generation, i.rotated_at, i.expires_at, i.ip_address, u.email, u.name, u.status AS user_status
        FROM sign_ins i JOIN users u ON u.id = i.user_id WHERE i.organization_id = @organizationId
        """;

    private readonly Store _store;

    internal SignIns(Store store) => _store = store;

    public Task<StoredSignIn?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<StoredSignIn>(Select + " AND i.id = @id", new { organizationId, id });

    /// <summary>The sessions that hold now, newest first.</summary>
    public Task<StoredSignIn[]> ListAsync(string organizationId) =>
        _store.QueryAsync<StoredSignIn>(
            Select + " AND i.status = 'active' AND u.status = 'active' AND i.expires_at > @Now ORDER BY i.id DESC", new { organizationId, _store.Now });

    /// <summary>Begins the session of an approved device code, once; null where it is not approved or the person is no longer active.</summary>
    public Task<StoredSignIn?> BeginAsync(DeviceCode device, TimeSpan lifetime, ActorRecord actor)
    {
        var id = Ids.New(Ids.SignIn, _store.Time);
        return _store.WriteAsync(async transaction =>
        {
            var now = _store.Now;
            var place = new { id, organizationId = device.OrganizationId, deviceId = device.Id, now, end = now + (long)lifetime.TotalMilliseconds };
            if (await transaction.ExecuteAsync(
                "UPDATE device_codes SET status = 'redeemed' WHERE organization_id = @organizationId AND id = @deviceId AND status = 'approved'", place).ConfigureAwait(false) == 0)
                return null;
            await transaction.ExecuteAsync(
                """
                INSERT INTO sign_ins (id, organization_id, user_id, issuer, status, generation, rotated_at, created_at, expires_at, ip_address, user_agent, grant_sealed, checked_at)
                SELECT @id, organization_id, user_id, issuer, 'active', 0, @now, @now, @end, ip_address, user_agent, grant_sealed, @now FROM device_codes WHERE id = @deviceId
                """,
                place).ConfigureAwait(false);
            var made = await transaction.FindAsync<StoredSignIn>(Select + " AND i.id = @id", place).ConfigureAwait(false);
            if (made?.Holds(now) is not true)
                return null;
            await transaction.RecordAsync(device.OrganizationId, actor, "demarc_signed_in", new()
            {
                ["sign_in_id"] = id,
                ["user_id"] = made.UserId,
                ["issuer"] = made.Issuer,
            }).ConfigureAwait(false);
            return made;
        });
    }

    /// <summary>
    /// Takes a refresh token: the next one holds from now on. The one before comes again when an answer was lost or two
    /// windows of one machine ask at once, and gets the same next one within <paramref name="grace"/>; after that it was
    /// stolen from one of two, and the session ends. Null when the session does not hold.
    /// </summary>
    public Task<StoredSignIn?> RefreshAsync(string organizationId, string id, int generation, TimeSpan grace, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var now = _store.Now;
            var place = new { organizationId, id, generation, now, since = now - (long)grace.TotalMilliseconds };
            var rotated = await transaction.ExecuteAsync(
                """
                UPDATE sign_ins SET generation = generation + 1, rotated_at = @now
                WHERE organization_id = @organizationId AND id = @id AND generation = @generation AND status = 'active' AND expires_at > @now
                """,
                place).ConfigureAwait(false);
            var found = await transaction.FindAsync<StoredSignIn>(Select + " AND i.id = @id", place).ConfigureAwait(false);
            if (found?.Holds(now) is not true)
                return null;
            if (rotated == 0 && !(found.Generation == generation + 1 && found.RotatedAt >= place.since))
            {
                await EndAsync(transaction, found, "reused", actor).ConfigureAwait(false);
                return null;
            }
            await transaction.RecordAsync(organizationId, actor with { Id = found.UserId, Email = found.Email }, "demarc_sign_in_refreshed", new() { ["sign_in_id"] = id }).ConfigureAwait(false);
            return found;
        });

    /// <summary>Sessions that hold and whose issuers were not asked since, those first that wait longest.</summary>
    public Task<DueCheck[]> DueAsync(string organizationId, DateTimeOffset since, int limit) =>
        _store.QueryAsync<DueCheck>(
            """
            SELECT i.id, i.organization_id, i.issuer, d.subject, i.grant_sealed, i.checked_at
            FROM sign_ins i JOIN users u ON u.id = i.user_id JOIN identities d ON d.user_id = i.user_id AND d.issuer = i.issuer
            WHERE i.organization_id = @organizationId AND i.status = 'active' AND u.status = 'active' AND i.expires_at > @Now
              AND i.grant_sealed IS NOT NULL AND i.checked_at <= @since
            ORDER BY i.checked_at LIMIT @limit
            """,
            new { organizationId, since = since.ToUnixTimeMilliseconds(), limit, _store.Now });

    /// <summary>Takes it on to ask; false where another replica has.</summary>
    public Task<bool> ClaimCheckAsync(DueCheck due) =>
        _store.WriteAsync(async transaction => await transaction.ExecuteAsync(
            "UPDATE sign_ins SET checked_at = @Now WHERE organization_id = @OrganizationId AND id = @Id AND checked_at = @CheckedAt",
            new { due.OrganizationId, due.Id, due.CheckedAt, _store.Now }).ConfigureAwait(false) == 1);

    /// <summary>Keeps what asks the next time.</summary>
    public Task KeepGrantAsync(DueCheck due, byte[] grant) =>
        _store.WriteAsync(transaction => transaction.ExecuteAsync(
            "UPDATE sign_ins SET grant_sealed = @grant WHERE organization_id = @OrganizationId AND id = @Id", new { due.OrganizationId, due.Id, grant }));

    /// <summary>Ends a session, and what runs under it; false where there is none that is active.</summary>
    /// <param name="status">Why, as in <see cref="StoredSignIn.Status"/>.</param>
    public Task<bool> EndAsync(string organizationId, string id, string status, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var found = await transaction.FindAsync<StoredSignIn>(Select + " AND i.id = @id AND i.status = 'active'", new { organizationId, id }).ConfigureAwait(false);
            if (found is null)
                return false;
            await EndAsync(transaction, found, status, actor).ConfigureAwait(false);
            return true;
        });

    private static async Task EndAsync(StoreTransaction transaction, StoredSignIn found, string status, ActorRecord actor)
    {
        await transaction.ExecuteAsync(
            "UPDATE sign_ins SET status = @status WHERE organization_id = @OrganizationId AND id = @Id", new { found.OrganizationId, found.Id, status }).ConfigureAwait(false);
        await transaction.ChangeAsync(found.OrganizationId, actor, "demarc_sign_in_ended", new()
        {
            ["sign_in_id"] = found.Id,
            ["user_id"] = found.UserId,
            ["reason"] = status,
        }).ConfigureAwait(false);
    }
}
