using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>A machine that waits for somebody to sign in (RFC 8628).</summary>
public sealed record DeviceCode
{
    /// <summary><c>device_…</c>.</summary>
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary><c>pending</c>, <c>approved</c>, <c>denied</c> or <c>redeemed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Who signed in; null until then.</summary>
    public string? UserId { get; init; }

    public string? Issuer { get; init; }

    /// <summary>Why it was denied, for the person; null for no more than that.</summary>
    public string? Reason { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long ExpiresAt { get; init; }

    public string? IpAddress { get; init; }

    public string? UserAgent { get; init; }
}

public sealed class DeviceCodes
{
    private const string Select = "SELECT id, organization_id, status, user_id, issuer, reason, expires_at, ip_address, user_agent FROM device_codes";

    // A code that has ended still tells its machine so for a while.
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    private readonly Store _store;

    internal DeviceCodes(Store store) => _store = store;

    /// <param name="userCode">The keyed hash of what people type.</param>
    /// <returns>False where that code is taken.</returns>
    public Task<bool> OpenAsync(string organizationId, Guid id, byte[] userCode, TimeSpan lifetime, string? ipAddress, string? userAgent) =>
        _store.WriteAsync(async transaction =>
        {
            var now = _store.Now;
            await transaction.ExecuteAsync("DELETE FROM device_codes WHERE expires_at < @before", new { before = now - (long)Kept.TotalMilliseconds }).ConfigureAwait(false);
            return await transaction.ExecuteAsync(
                """
                INSERT INTO device_codes (id, organization_id, user_code, status, created_at, expires_at, ip_address, user_agent)
                VALUES (@id, @organizationId, @userCode, 'pending', @now, @end, @ipAddress, @userAgent) ON CONFLICT DO NOTHING
                """,
                new { id = Ids.From(Ids.DeviceCode, id), organizationId, userCode, now, end = now + (long)lifetime.TotalMilliseconds, ipAddress, userAgent }).ConfigureAwait(false) == 1;
        });

    /// <summary>The machine that waits under a code; null for none, and for one that is past its end or decided.</summary>
    public Task<DeviceCode?> FindWaitingAsync(string organizationId, byte[] userCode) =>
        _store.FindAsync<DeviceCode>(
            Select + " WHERE organization_id = @organizationId AND user_code = @userCode AND status = 'pending' AND expires_at > @Now",
            new { organizationId, userCode, _store.Now });

    public Task<DeviceCode?> GetAsync(string organizationId, Guid id) =>
        _store.FindAsync<DeviceCode>(
            Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id = Ids.From(Ids.DeviceCode, id) });

    /// <summary>Decides once: false where it was decided before, or is past its end.</summary>
    /// <param name="userId">Who signed in; null where that was refused.</param>
    /// <param name="reason">Why it was refused, for the person.</param>
    /// <param name="grant">What asks the issuer again, sealed; null for nothing.</param>
    public Task<bool> DecideAsync(string organizationId, string id, string? userId, string issuer, string? reason = null, byte[]? grant = null) =>
        _store.WriteAsync(async transaction => await transaction.ExecuteAsync(
            """
            UPDATE device_codes SET status = @status, user_id = @userId, issuer = @issuer, reason = @reason, grant_sealed = @grant
            WHERE organization_id = @organizationId AND id = @id AND status = 'pending' AND expires_at > @Now
            """,
            new { organizationId, id, userId, issuer, reason, grant, status = userId is null ? "denied" : "approved", _store.Now }).ConfigureAwait(false) == 1);
}
