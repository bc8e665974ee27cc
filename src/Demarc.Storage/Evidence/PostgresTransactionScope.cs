using System.Data;
using Demarc.Governance.Evidence;
using Demarc.Storage.Projections;
using Npgsql;
using NpgsqlTypes;

namespace Demarc.Storage.Evidence;

/// <summary>A transaction of a connection of its own.</summary>
internal sealed class PostgresTransactionScope(NpgsqlConnection connection, string replica, TimeProvider time, int? within)
    : StoreTransaction(connection, time, within)
{
    public override async Task AppendAsync(EvidenceRecord record)
    {
        Appended = true;
        var inserted = await ExecuteAsync(
            """
            INSERT INTO records (organization_id, kind, request_id, session_id, at, replica, body, content)
            VALUES (@OrganizationId, @kind, @requestId, @SessionId, @At, @replica, @body, @content)
            ON CONFLICT DO NOTHING
            """,
            new
            {
                record.OrganizationId,
                kind = (long)record.Kind,
                requestId = record.RequestId.ToByteArray(bigEndian: true),
                record.SessionId,
                record.At,
                replica,
                body = PostgresInsert.Array(record.Body),
                content = record.Content.IsEmpty ? null : PostgresInsert.Array(record.Content),
            }).ConfigureAwait(false);
        if (inserted == 0)
            throw new AlreadyRecordedException();
    }

    public override async Task ExecuteManyAsync(BulkStatement statement, IReadOnlyList<object?[]> rows)
    {
        if (rows.Count == 0)
            return;
        var command = new NpgsqlCommand(statement.Whole, connection);
        await using (command.ConfigureAwait(false))
        {
            for (var i = 0; i < statement.Types.Length; i++)
                command.Parameters.Add(Column(statement.Types[i], rows, i));
            await command.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
    }

    public override Task LockAsync(string table) => ExecuteAsync($"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE");

    protected override Task NotifyAsync() => ExecuteAsync($"SELECT pg_notify('{PostgresStore.ChangesChannel}', '')");

    private static NpgsqlParameter Column(DbType type, IReadOnlyList<object?[]> rows, int column) => type switch
    {
        DbType.Int64 => new() { Value = rows.Select(row => (long?)row[column]).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
        DbType.String => new() { Value = rows.Select(row => (string?)row[column]).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
        _ => new() { Value = rows.Select(row => (byte[]?)row[column]).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
    };
}
