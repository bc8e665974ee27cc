using System.Data.Common;
using Dapper;
using Demarc.Storage.Migrations;
using Microsoft.Data.Sqlite;
using Npgsql;
using Xunit;

namespace Demarc.Tests.Storage;

public class SpendMigrationTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_was_settled_before_there_were_totals_is_in_them(StoreKind kind)
    {
        await using var connection = await OpenAsync(kind);
        foreach (var migration in Migration.Of(kind == StoreKind.Sqlite ? "SqliteDerived" : "Postgres"))
        {
            if (migration.Name == "spend_reports")
            {
                // Two of one person, the later over midnight and incomplete; one without a key, at a fallback; one that came to nothing.
                await SettledAsync(connection, 1, 1_795_132_799_999, "user_1", "apikey_1", 100, "catalog", 0);
                await SettledAsync(connection, 2, 1_795_132_800_000, "user_1", "apikey_1", 20, "catalog", 1);
                await SettledAsync(connection, 3, 1_795_132_800_001, "user_2", null, 3, "fallback", 0);
                await SettledAsync(connection, 4, 1_795_132_800_002, "user_2", null, 0, null, 0);
            }
            await connection.ExecuteAsync(migration.Sql);
        }

        Assert.Equal(
            [("2026-11-19", "user_1", "apikey_1", 1L, 100L, 0L, 0L), ("2026-11-20", "user_1", "apikey_1", 1, 20, 0, 20), ("2026-11-20", "user_2", "", 1, 3, 3, 0)],
            await connection.QueryAsync<(string, string, string, long, long, long, long)>(
                """
                SELECT d.day, s.principal_id, s.key_id, d.requests, d.nano_usd, d.fallback_nano_usd, d.incomplete_nano_usd
                FROM spend_days d JOIN spend_series s ON s.id = d.series ORDER BY d.day, d.nano_usd DESC
                """));
        Assert.Equal(
            [(1_795_129_200_000L, 1L, 100L), (1_795_132_800_000, 2, 23)],
            await connection.QueryAsync<(long, long, long)>(
                "SELECT hour, CAST(sum(requests) AS bigint), CAST(sum(list_nano_usd) AS bigint) FROM spend_hours GROUP BY hour ORDER BY hour"));
        Assert.Equal(
            [("2026-11-19", "", 1L, 100L), ("2026-11-20", "", 2, 23)],
            await connection.QueryAsync<(string, string, long, long)>(
                "SELECT d.day, s.principal_id, d.requests, d.nano_usd FROM spend_model_days d JOIN spend_series s ON s.id = d.series ORDER BY d.day"));
        Assert.Equal(123, await connection.ExecuteScalarAsync<long>("SELECT sum(nano_usd) FROM spend_months WHERE month = '2026-11'"));
        Assert.Equal(23, await connection.ExecuteScalarAsync<long>("SELECT sum(nano_usd) FROM spend_totals WHERE day >= '2026-11-20'"));
        Assert.Equal(4, await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM ledger WHERE series IS NOT NULL AND part = 0"));
    }

    private static Task<int> SettledAsync(DbConnection connection, byte id, long at, string principal, string? key, long nano, string? source, long incomplete) =>
        connection.ExecuteAsync(
            """
            INSERT INTO ledger (organization_id, request_id, attempt, at, principal_type, principal_id, key_id, session_id, resource, deployment, model,
              input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, web_search_requests, nano_usd, price_source, incomplete)
            VALUES ('org_1', @id, 1, @at, 'user', @principal, @key, NULL, 'east', 'sonnet', 'claude-sonnet-4-6', 1, 2, 3, 4, 5, 6, @nano, @source, @incomplete)
            """,
            new { id = new[] { id }, at, principal, key, nano, source, incomplete });

    private static async Task<DbConnection> OpenAsync(StoreKind kind)
    {
        if (kind == StoreKind.Sqlite)
        {
            var sqlite = new SqliteConnection("Data Source=:memory:");
            await sqlite.OpenAsync();
            return sqlite;
        }
        var url = new Uri(await PostgresServer.NewDatabaseAsync());
        var postgres = new NpgsqlConnection($"Host=127.0.0.1;Port={url.Port};Username=postgres;Database={url.AbsolutePath.Trim('/')};Pooling=false");
        await postgres.OpenAsync();
        return postgres;
    }
}
