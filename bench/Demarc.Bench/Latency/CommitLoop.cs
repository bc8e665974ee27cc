using System.Data.Common;
using System.Diagnostics;
using Demarc.Bench.Servers;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Demarc.Bench.Latency;

/// <summary>
/// C: what the store itself takes to make one row durable, over a raw connection with the gateway's own settings, on
/// the same disk, with rows as large as the records that the gateway writes.
/// </summary>
internal sealed class CommitLoop : IAsyncDisposable
{
    private const string Columns = "(organization_id, kind, request_id, session_id, at, replica, body, content)";

    private readonly DbConnection _connection;
    private readonly DbCommand _insert;
    private readonly DbCommand? _checkpoint;

    private CommitLoop(DbConnection connection, DbCommand insert, DbCommand? checkpoint) =>
        (_connection, _insert, _checkpoint) = (connection, insert, checkpoint);

    /// <summary>In a file of its own in the gateway's folder.</summary>
    public static async Task<CommitLoop> SqliteAsync(string folder, RecordSize size)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "commits.db")};Pooling=False");
        await connection.OpenAsync();
        // Checkpoints run between the blocks, as the gateway runs them beside its commits.
        await ExecuteAsync(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
        await ExecuteAsync(connection, """
            CREATE TABLE IF NOT EXISTS records (
              sequence integer PRIMARY KEY AUTOINCREMENT, organization_id text NOT NULL, kind integer NOT NULL, request_id blob NOT NULL,
              session_id text, at integer NOT NULL, replica text NOT NULL, body blob NOT NULL, content blob);
            CREATE UNIQUE INDEX IF NOT EXISTS records_once ON records (request_id, kind)
            """);
        var insert = connection.CreateCommand();
        insert.CommandText = $"INSERT INTO records {Columns} VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        object[] values = Row(size);
        for (var i = 0; i < values.Length; i++)
            insert.Parameters.AddWithValue($"${i + 1}", values[i]);
        await insert.PrepareAsync();
        var checkpoint = connection.CreateCommand();
        checkpoint.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        return new CommitLoop(connection, insert, checkpoint);
    }

    /// <summary>In a database of its own in the gateway's cluster.</summary>
    public static async Task<CommitLoop> PostgresAsync(PostgresCluster cluster, RecordSize size)
    {
        await cluster.CreateAsync("commits");
        var connection = await cluster.OpenAsync("commits");
        await ExecuteAsync(connection, """
            CREATE TABLE records (
              sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id text NOT NULL, kind bigint NOT NULL, request_id bytea NOT NULL,
              session_id text, at bigint NOT NULL, replica text NOT NULL, body bytea NOT NULL, content bytea);
            CREATE UNIQUE INDEX records_once ON records (request_id, kind)
            """);
        var insert = new NpgsqlCommand($"INSERT INTO records {Columns} VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", connection);
        foreach (var value in Row(size))
            insert.Parameters.Add(new NpgsqlParameter { Value = value });
        await insert.PrepareAsync();
        return new CommitLoop(connection, insert, null);
    }

    /// <summary>Microseconds of one row made durable.</summary>
    public double Commit()
    {
        _insert.Parameters[2].Value = Guid.CreateVersion7().ToByteArray(bigEndian: true);
        var started = Stopwatch.GetTimestamp();
        _insert.ExecuteNonQuery();
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds;
    }

    public void BetweenBlocks() => _checkpoint?.ExecuteNonQuery();

    public async ValueTask DisposeAsync()
    {
        await _insert.DisposeAsync();
        if (_checkpoint is not null)
            await _checkpoint.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private static object[] Row(RecordSize size) =>
        ["org_01bench00000000000000000000", 3L, Array.Empty<byte>(), "sess_01bench0000000000000000", 1L, "replica_01bench0000000", Noise(size.Body), Noise(size.Content)];

    // Sealed content does not compress, so neither may this.
    private static byte[] Noise(int length) => System.Security.Cryptography.RandomNumberGenerator.GetBytes(length);

    private static async Task ExecuteAsync(DbConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>The average size of a finished request's record, in bytes.</summary>
internal sealed record RecordSize(int Body, int Content)
{
    private const string Sql = "SELECT CAST(avg(length(body)) AS integer), CAST(avg(length(content)) AS integer) FROM records WHERE kind = 3 AND content IS NOT NULL";

    /// <summary>Of what the gateway has written so far.</summary>
    public static async Task<RecordSize> ReadAsync(DbConnection connection)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = Sql;
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync() && !reader.IsDBNull(0)
            ? new RecordSize(reader.GetInt32(0), reader.GetInt32(1))
            : throw new BenchException("The gateway captured nothing: there is no record of kind 3 with content.");
    }

    public static async Task<RecordSize> ReadSqliteAsync(string file)
    {
        await using var connection = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        return await ReadAsync(connection);
    }
}
