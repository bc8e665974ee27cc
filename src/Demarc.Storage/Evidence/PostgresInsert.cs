using System.Runtime.InteropServices;
using Demarc.Governance.Evidence;
using Npgsql;
using NpgsqlTypes;

namespace Demarc.Storage.Evidence;

/// <summary>The statement that appends a numbered batch, and does nothing when that number was already written.</summary>
internal static class PostgresInsert
{
    private const string Sql =
        """
        WITH numbered AS (
          UPDATE replicas SET last_batch = $2 WHERE id = $1 AND last_batch < $2 RETURNING id
        )
        INSERT INTO records (organization_id, kind, request_id, session_id, at, replica, body, content)
        SELECT r.organization_id, r.kind, r.request_id, r.session_id, r.at, numbered.id, r.body, r.content
        FROM numbered,
          unnest($3::text[], $4::bigint[], $5::bytea[], $6::text[], $7::bigint[], $8::bytea[], $9::bytea[])
          WITH ORDINALITY AS r (organization_id, kind, request_id, session_id, at, body, content, n)
        ORDER BY r.n
        ON CONFLICT DO NOTHING
        """;

    private static readonly NpgsqlDbType[] Types =
    [
        NpgsqlDbType.Text,
        NpgsqlDbType.Bigint,
        NpgsqlDbType.Array | NpgsqlDbType.Text,
        NpgsqlDbType.Array | NpgsqlDbType.Bigint,
        NpgsqlDbType.Array | NpgsqlDbType.Bytea,
        NpgsqlDbType.Array | NpgsqlDbType.Text,
        NpgsqlDbType.Array | NpgsqlDbType.Bigint,
        NpgsqlDbType.Array | NpgsqlDbType.Bytea,
        NpgsqlDbType.Array | NpgsqlDbType.Bytea,
    ];

    public static NpgsqlCommand Create(NpgsqlConnection connection)
    {
        var command = new NpgsqlCommand(Sql, connection);
        foreach (var type in Types)
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = type });
        return command;
    }

    public static void Bind(NpgsqlCommand command, string replica, long number, List<AppendJob> batch)
    {
        var organizations = new string[batch.Count];
        var kinds = new long[batch.Count];
        var requests = new byte[batch.Count][];
        var sessions = new string?[batch.Count];
        var times = new long[batch.Count];
        var bodies = new byte[batch.Count][];
        var contents = new byte[]?[batch.Count];
        for (var i = 0; i < batch.Count; i++)
        {
            var record = batch[i].Record;
            organizations[i] = record.OrganizationId;
            kinds[i] = (long)record.Kind;
            requests[i] = record.RequestId.ToByteArray(bigEndian: true);
            sessions[i] = record.SessionId;
            times[i] = record.At;
            bodies[i] = Array(record.Body);
            contents[i] = record.Content.IsEmpty ? null : Array(record.Content);
        }

        object[] values = [replica, number, organizations, kinds, requests, sessions, times, bodies, contents];
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
    }

    /// <summary>The bytes as an array of their own, copied only when they are a part of a larger one.</summary>
    public static byte[] Array(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : bytes.ToArray();
}
