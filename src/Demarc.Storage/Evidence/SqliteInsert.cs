using Demarc.Governance.Evidence;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Demarc.Storage.Evidence;

/// <summary>The prepared insert of the log, bound without copies: the writer's time is every caller's latency.</summary>
internal sealed class SqliteInsert : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private string? _organizationId;

    public SqliteInsert(SqliteConnection connection, string replica)
    {
        _database = connection.Handle!;
        Check(raw.sqlite3_prepare_v2(
            _database,
            """
            INSERT INTO records (organization_id, kind, request_id, session_id, at, replica, body, content)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            out _statement));
        raw.sqlite3_bind_text(_statement, 6, replica);
    }

    /// <summary>Inserts a record and gives its sequence.</summary>
    public long Run(EvidenceRecord record)
    {
        Span<byte> id = stackalloc byte[16];
        record.RequestId.TryWriteBytes(id, bigEndian: true, out _);
        if (!ReferenceEquals(record.OrganizationId, _organizationId))
            raw.sqlite3_bind_text(_statement, 1, _organizationId = record.OrganizationId);
        raw.sqlite3_bind_int64(_statement, 2, (long)record.Kind);
        raw.sqlite3_bind_blob(_statement, 3, id);
        if (record.SessionId is { } session)
            raw.sqlite3_bind_text(_statement, 4, session);
        else
            raw.sqlite3_bind_null(_statement, 4);
        raw.sqlite3_bind_int64(_statement, 5, record.At);
        raw.sqlite3_bind_blob(_statement, 7, record.Body.Span);
        if (record.Content.IsEmpty)
            raw.sqlite3_bind_null(_statement, 8);
        else
            raw.sqlite3_bind_blob(_statement, 8, record.Content.Span);

        var code = raw.sqlite3_step(_statement);
        raw.sqlite3_reset(_statement);
        if (code == raw.SQLITE_DONE)
            return raw.sqlite3_last_insert_rowid(_database);
        if (raw.sqlite3_extended_errcode(_database) == raw.SQLITE_CONSTRAINT_UNIQUE)
            throw new AlreadyRecordedException();
        throw Error(code);
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
            throw Error(code);
    }

    private SqliteException Error(int code) => new(raw.sqlite3_errmsg(_database).utf8_to_string(), code & 0xff, code);
}
