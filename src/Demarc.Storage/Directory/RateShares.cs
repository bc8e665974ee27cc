using System.Text.Json;
using Demarc.Governance.Policy;

namespace Demarc.Storage.Directory;

/// <summary>Parts of rates in PostgreSQL, which replicas share. Nothing of it is on record: it is what holds at the moment.</summary>
public sealed class RateShares : IRateShares
{
    // A journal has a row of its own beside its process. By the database's clock, the one that also writes seen_at.
    private const string IsSeen = "NOT starts_with(r.id, 'replica_journal_') AND r.seen_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 60000";

    private const string IsAlone = $"NOT EXISTS (SELECT 1 FROM replicas r WHERE r.id <> @Replica AND {IsSeen})";

    private readonly Store _store;

    internal RateShares(Store store) => _store = store;

    public Task<RateAmounts> TakeAsync(string organizationId, string rate, RateLimit limit, RateAmounts used) =>
        _store.WriteAsync(async transaction =>
        {
            // The sum of the others' parts and this one's are looked at and set as one.
            await transaction.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended(@organizationId || '/' || @rate, 0))", new { organizationId, rate }).ConfigureAwait(false);
            var others = (await transaction.FindAsync<Others>(
                $"""
                SELECT CAST(coalesce(sum(p.requests), 0) AS bigint) AS requests, CAST(coalesce(sum(p.tokens), 0) AS bigint) AS tokens,
                  CAST(coalesce(sum(p.concurrent), 0) AS bigint) AS concurrent, CAST(CASE WHEN {IsAlone} THEN 1 ELSE 0 END AS bigint) AS alone
                FROM rate_parts p
                WHERE p.organization_id = @organizationId AND p.rate = @rate AND p.replica <> @Replica
                  AND EXISTS (SELECT 1 FROM replicas r WHERE r.id = p.replica AND {IsSeen})
                """,
                new { organizationId, rate, _store.Replica }).ConfigureAwait(false))!;
            var part = RateShare.Of(limit, used, new RateAmounts(others.Requests, others.Tokens, others.Concurrent));
            await PutAsync(transaction, [new RatePart(organizationId, rate, part)]).ConfigureAwait(false);
            // The row says what it needs, for another that starts in its place.
            return others.Alone != 0 ? RateAmounts.Whole : part;
        });

    public Task KeepAsync(IReadOnlyCollection<RatePart> parts) =>
        _store.WriteAsync(async transaction =>
        {
            await PutAsync(transaction, parts.Where(p => p.Amounts != default)).ConfigureAwait(false);
            await transaction.ExecuteAsync(
                """
                DELETE FROM rate_parts p USING json_to_recordset(@given::json) AS given (organization_id text, rate text)
                WHERE p.organization_id = given.organization_id AND p.rate = given.rate AND p.replica = @Replica
                """,
                new { given = Json(parts.Where(p => p.Amounts == default)), _store.Replica }).ConfigureAwait(false);
            // What a replica had that is gone counts no more, and nobody else takes it away.
            return await transaction.ExecuteAsync(
                $"DELETE FROM rate_parts p WHERE NOT EXISTS (SELECT 1 FROM replicas r WHERE r.id = p.replica AND {IsSeen})").ConfigureAwait(false);
        });

    public Task<bool> IsAloneAsync() => _store.FindAsync<bool>($"SELECT {IsAlone}", new { _store.Replica });

    private Task<int> PutAsync(StoreTransaction transaction, IEnumerable<RatePart> parts) =>
        transaction.ExecuteAsync(
            """
            INSERT INTO rate_parts (organization_id, rate, replica, requests, tokens, concurrent)
            SELECT organization_id, rate, @Replica, requests, tokens, concurrent
            FROM json_to_recordset(@given::json) AS given (organization_id text, rate text, requests bigint, tokens bigint, concurrent bigint)
            ON CONFLICT (organization_id, rate, replica) DO UPDATE SET requests = excluded.requests, tokens = excluded.tokens, concurrent = excluded.concurrent
            """,
            new { given = Json(parts), _store.Replica });

    private static string Json(IEnumerable<RatePart> parts) => JsonSerializer.Serialize(parts.Select(p => new
    {
        organization_id = p.OrganizationId,
        rate = p.Rate,
        requests = p.Amounts.Requests,
        tokens = p.Amounts.Tokens,
        concurrent = p.Amounts.Concurrent,
    }));

    private sealed record Others
    {
        public required long Requests { get; init; }

        public required long Tokens { get; init; }

        public required long Concurrent { get; init; }

        public required long Alone { get; init; }
    }
}
