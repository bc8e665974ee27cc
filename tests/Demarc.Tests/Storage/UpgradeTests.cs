using Demarc.Storage.Migrations;
using Npgsql;
using Xunit;

namespace Demarc.Tests.Storage;

/// <summary>
/// Gateways of the version before serve on while the first of a new one changes PostgreSQL's tables: what they read stays, and what
/// they write is still taken. Only what no gateway of the version before uses may be listed here as taken away.
/// </summary>
public sealed class UpgradeTests
{
    // "table.column", by the migration that removes it: a release after the last gateway that used it.
    private static readonly Dictionary<long, string[]> Removed = [];

    [Fact]
    public async Task No_migration_takes_away_what_gateways_of_the_version_before_use()
    {
        var url = new Uri(await PostgresServer.NewDatabaseAsync());
        await using var connection = new NpgsqlConnection($"Host={url.Host};Port={url.Port};Username=postgres;Database={url.AbsolutePath.Trim('/')};Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        var problems = new List<string>();
        var before = new Dictionary<string, Column>();
        foreach (var migration in Migration.Of("Postgres"))
        {
            await using (var command = new NpgsqlCommand(migration.Sql, connection))
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            var after = await ColumnsAsync(connection);
            var removed = Removed.GetValueOrDefault(migration.Version, []);
            foreach (var (name, column) in before.Where(c => !removed.Contains(c.Key)))
            {
                if (!after.TryGetValue(name, out var now))
                    problems.Add($"{migration.Name}: {name} is gone");
                else if (now.Type != column.Type || (column.TakesNothing && !now.TakesNothing))
                    problems.Add($"{migration.Name}: {name} was {column} and is {now}");
            }
            var tables = before.Values.Select(c => c.Table).ToHashSet();
            problems.AddRange(after.Where(c => !before.ContainsKey(c.Key) && tables.Contains(c.Value.Table) && !c.Value.TakesNothing)
                .Select(c => $"{migration.Name}: {c.Key} is new, and an insert that does not know it fails"));
            before = after;
        }
        Assert.Empty(problems);
        Assert.True(before.Count > 100, $"{before.Count} columns");
    }

    private static async Task<Dictionary<string, Column>> ColumnsAsync(NpgsqlConnection connection)
    {
        const string select = """
            SELECT table_schema || '.' || table_name, column_name, data_type, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' OR is_generated <> 'NEVER'
            FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
            """;
        var columns = new Dictionary<string, Column>();
        await using var command = new NpgsqlCommand(select, connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            columns[$"{reader.GetString(0)}.{reader.GetString(1)}"] = new Column(reader.GetString(0), reader.GetString(2), reader.GetBoolean(3));
        return columns;
    }

    /// <param name="TakesNothing">An insert need not name it.</param>
    private sealed record Column(string Table, string Type, bool TakesNothing);
}
