namespace Demarc.Storage.Directory;

/// <summary>Assertions of identity providers that were accepted: each counts once, on whichever replica it comes.</summary>
public sealed class SamlAssertions
{
    private readonly Store _store;

    internal SamlAssertions(Store store) => _store = store;

    /// <summary>Keeps an assertion for the browser that fetches it; false where it came before.</summary>
    /// <param name="handle">A hash of what fetches it.</param>
    /// <param name="expiresAt">Until when it could come again.</param>
    /// <param name="fetchedBy">Until when it has to be fetched.</param>
    public Task<bool> KeepAsync(
        string organizationId, string issuer, string assertionId, byte[] handle, string requestId, string identity, DateTimeOffset expiresAt, DateTimeOffset fetchedBy) =>
        _store.WriteAsync(async transaction =>
        {
            await transaction.ExecuteAsync("DELETE FROM saml_assertions WHERE expires_at < @Now", new { _store.Now }).ConfigureAwait(false);
            // Remembered until nothing can bring it again, and until it is fetched.
            var end = Math.Max(expiresAt.ToUnixTimeMilliseconds(), fetchedBy.ToUnixTimeMilliseconds());
            return await transaction.ExecuteAsync(
                """
                INSERT INTO saml_assertions (organization_id, issuer, assertion_id, handle, request_id, identity, expires_at)
                VALUES (@organizationId, @issuer, @assertionId, @handle, @requestId, @identity, @end) ON CONFLICT DO NOTHING
                """,
                new { organizationId, issuer, assertionId, handle, requestId, identity, end }).ConfigureAwait(false) == 1;
        });

    /// <summary>Fetches what was kept, once; null where there is nothing, or no more.</summary>
    public Task<(string RequestId, string Identity)?> TakeAsync(string organizationId, byte[] handle, DateTimeOffset now) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, handle, now = now.ToUnixTimeMilliseconds() };
            var found = await transaction.FindAsync<Row>(
                "SELECT request_id, identity FROM saml_assertions WHERE organization_id = @organizationId AND handle = @handle AND identity IS NOT NULL AND expires_at > @now", place).ConfigureAwait(false);
            if (found is null)
                return ((string, string)?)null;
            return await transaction.ExecuteAsync(
                "UPDATE saml_assertions SET identity = NULL WHERE organization_id = @organizationId AND handle = @handle AND identity IS NOT NULL", place).ConfigureAwait(false) == 1
                ? (found.RequestId, found.Identity)
                : null;
        });

    private sealed record Row
    {
        public required string RequestId { get; init; }

        public required string Identity { get; init; }
    }
}
