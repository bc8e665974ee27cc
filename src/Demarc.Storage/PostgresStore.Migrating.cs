using Dapper;
using Demarc.Storage.Migrations;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Demarc.Storage;

/// <summary>How a database is brought up to date while replicas of the version before serve from it.</summary>
internal sealed partial class PostgresStore
{
    private const long MigrateLock = 0x64656d6172630001;

    /// <summary>How long a start waits for tables that it has to change, and that other transactions have.</summary>
    private static readonly TimeSpan TablesBusyFor = TimeSpan.FromMinutes(1);

    private static async Task MigrateAsync(NpgsqlDataSource source, TimeProvider time, ILogger log)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                await TryMigrateAsync(source, time).ConfigureAwait(false);
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable && time.GetElapsedTime(started) < TablesBusyFor)
            {
                TablesBusy(log, TablesBusyFor.TotalSeconds);
                // What queued up behind the lock goes on meanwhile; nothing tells when whoever has the tables lets go.
                await Task.Delay(TimeSpan.FromSeconds(1), time).ConfigureAwait(false);
            }
        }
    }

    private static async Task TryMigrateAsync(NpgsqlDataSource source, TimeProvider time)
    {
        var connection = await source.OpenConnectionAsync().ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                // However long another process migrates.
                await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(@MigrateLock)", new { MigrateLock }, commandTimeout: 0).ConfigureAwait(false);
                // Whoever wants a table waits behind a migration that waits for it: replicas of the version before serve on.
                await connection.ExecuteAsync("SET LOCAL lock_timeout = '2s'").ConfigureAwait(false);
                // A role that may not change tables serves a store that needs no change.
                if (!await IsCurrentAsync(connection).ConfigureAwait(false))
                    await Migration.ApplyAsync(connection, "Postgres", time).ConfigureAwait(false);
                await RenumberAfterRestoreAsync(connection).ConfigureAwait(false);
                await transaction.CommitAsync().ConfigureAwait(false);
            }
        }
    }

    [LoggerMessage(3024, LogLevel.Warning, "Other transactions have the store's tables; trying again for {Seconds} seconds")]
    private static partial void TablesBusy(ILogger log, double seconds);

    private static async Task<bool> IsCurrentAsync(NpgsqlConnection connection) =>
        await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('migrations') IS NOT NULL").ConfigureAwait(false)
        && await connection.ExecuteScalarAsync<long>("SELECT max(version) FROM migrations").ConfigureAwait(false) == Migration.Of("Postgres")[^1].Version;

    /// <summary>
    /// Transaction numbers of a database that was dumped and restored belong to another cluster: rows of before then
    /// count as transaction 0 when projected and 1 when not, both below every real one.
    /// </summary>
    private static Task<int> RenumberAfterRestoreAsync(NpgsqlConnection connection) =>
        connection.ExecuteAsync(
            """
            DO $$
            DECLARE
              mark watermarks;
            BEGIN
              IF NOT EXISTS (SELECT 1 FROM records WHERE xact > pg_current_xact_id()) THEN
                RETURN;
              END IF;
              SELECT * INTO mark FROM watermarks WHERE name = 'records';
              UPDATE records SET xact = CASE
                WHEN (xact, sequence) > (mark.xact::text::xid8, mark.sequence) THEN '1'::xid8 ELSE '0'::xid8 END;
              UPDATE watermarks SET xact = 0, sequence = coalesce((SELECT max(sequence) FROM records WHERE xact = '0'::xid8), 0)
              WHERE sequence > 0;
            END $$
            """,
            // All of the log is written anew.
            commandTimeout: 0);

    /// <summary>What is wrong with a store that does not open, and what to do about it.</summary>
    private static string Explain(Exception e, NpgsqlConnectionStringBuilder place)
    {
        var store = $"The store at {place.Host}:{place.Port}/{place.Database}";
        return (e as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.InsufficientPrivilege =>
                $"{store} is not as this program needs it, and {place.Username} may not change its tables ({e.Message}). Run: demarc store migrate --as postgres://OWNER:…@… --grant-to {place.Username}",
            PostgresErrorCodes.LockNotAvailable =>
                $"{store} has to be brought up to date, and other transactions have had its tables for {TablesBusyFor.TotalSeconds} seconds. Nothing was changed: end what SELECT pid, query FROM pg_stat_activity WHERE xact_start < now() - interval '1 minute' shows (a dump, a report), and start again.",
            null when e.InnerException is { } inner => $"{store} cannot be opened: {e.Message} {inner.Message}",
            _ => $"{store} cannot be opened: {e.Message}",
        };
    }
}
