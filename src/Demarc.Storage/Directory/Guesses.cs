using System.Text.Json;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>What replicas count of strangers' tries, from one to the other, in PostgreSQL. Nothing of it is on record.</summary>
public sealed class Guesses
{
    // However many try at once: what is not told now is told a second later.
    private const int AtOnce = 500;

    // By the database's clock; what another's transaction was late with is read again.
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(5);

    private readonly Store _store;
    private long _heard;

    internal Guesses(Store store) => _store = store;

    /// <summary>Tells the others what was counted here since, and takes what they count.</summary>
    public async Task ExchangeAsync(string organizationId, AbuseLimits limits)
    {
        var untold = limits.Shared.SelectMany(l => l.Attempts.Untold(AtOnce), (l, c) => new { name = l.Name, who = c.Who, number = c.Number, ends_at = c.EndsAt.ToUnixTimeMilliseconds() }).ToArray();
        if (untold.Length > 0)
            await _store.WriteAsync(transaction => transaction.ExecuteAsync(
                """
                INSERT INTO guesses (organization_id, name, who, replica, number, ends_at, changed_at)
                SELECT @organizationId, name, who, @Replica, number, ends_at, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
                FROM json_to_recordset(@told::json) AS told (name text, who text, number bigint, ends_at bigint)
                ON CONFLICT (organization_id, name, who, replica) DO UPDATE SET number = excluded.number, ends_at = excluded.ends_at, changed_at = excluded.changed_at
                """,
                new { organizationId, told = JsonSerializer.Serialize(untold), _store.Replica })).ConfigureAwait(false);
        // What is over is of no use to anybody; whoever comes first takes it away.
        else if (await _store.FindAsync<bool>("SELECT EXISTS (SELECT 1 FROM guesses WHERE ends_at <= @Now)", new { _store.Now }).ConfigureAwait(false))
            await _store.WriteAsync(transaction => transaction.ExecuteAsync("DELETE FROM guesses WHERE ends_at <= @Now", new { _store.Now })).ConfigureAwait(false);

        var from = Math.Max(0, _heard - (long)Overlap.TotalMilliseconds);
        var others = await _store.QueryAsync<Row>(
            """
            SELECT g.name, g.who, CAST(sum(g.number) AS bigint) AS number, max(g.ends_at) AS ends_at, max(g.changed_at) AS changed_at
            FROM guesses g WHERE g.organization_id = @organizationId AND g.replica <> @Replica AND g.ends_at > @Now AND (g.name, g.who) IN (
              SELECT c.name, c.who FROM guesses c WHERE c.organization_id = @organizationId AND c.replica <> @Replica AND c.changed_at > @from)
            GROUP BY g.name, g.who
            """,
            new { organizationId, _store.Replica, _store.Now, from }).ConfigureAwait(false);
        var named = limits.Shared.ToDictionary(l => l.Name, l => l.Attempts);
        foreach (var row in others)
        {
            // Another version of the gateway may count what this one does not.
            if (named.TryGetValue(row.Name, out var attempts))
                attempts.Hear(new AttemptCount(row.Who, (int)Math.Min(row.Number, int.MaxValue / 2), DateTimeOffset.FromUnixTimeMilliseconds(row.EndsAt)));
            _heard = Math.Max(_heard, row.ChangedAt);
        }
    }

    private sealed record Row
    {
        public required string Name { get; init; }

        public required string Who { get; init; }

        public required long Number { get; init; }

        public required long EndsAt { get; init; }

        public required long ChangedAt { get; init; }
    }
}
