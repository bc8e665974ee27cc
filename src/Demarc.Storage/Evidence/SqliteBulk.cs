using Demarc.Storage.Projections;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Demarc.Storage.Evidence;

/// <summary>A statement prepared once and run for row after row, without the cost of a command: requests wait meanwhile.</summary>
internal sealed class SqliteBulk : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    // What a place holds stays there from row to row: organizations, people and kinds are the same ones over and over.
    private readonly object?[] _bound;

    public SqliteBulk(SqliteConnection connection, BulkStatement statement)
    {
        _database = connection.Handle!;
        Check(raw.sqlite3_prepare_v2(_database, statement.Each, out _statement));
        _bound = new object?[statement.Types.Length];
    }

    public void Run(object?[] row)
    {
        for (var i = 0; i < row.Length; i++)
        {
            // Bytes may have changed in their place; texts and numbers cannot.
            if (ReferenceEquals(row[i], _bound[i]) && row[i] is not byte[])
                continue;
            Bind(i + 1, row[i]);
            _bound[i] = row[i];
        }
        var code = raw.sqlite3_step(_statement);
        raw.sqlite3_reset(_statement);
        if (code != raw.SQLITE_DONE)
            Check(code);
    }

    public void Dispose() => _statement.Dispose();

    private void Bind(int place, object? value)
    {
        switch (value)
        {
            case long number:
                raw.sqlite3_bind_int64(_statement, place, number);
                break;
            case string text:
                raw.sqlite3_bind_text(_statement, place, text);
                break;
            case byte[] bytes:
                raw.sqlite3_bind_blob(_statement, place, bytes);
                break;
            case null:
                raw.sqlite3_bind_null(_statement, place);
                break;
            default:
                throw new ArgumentException($"A column holds long, string, byte[] or null, not {value.GetType()}.", nameof(value));
        }
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
            throw new SqliteException(raw.sqlite3_errmsg(_database).utf8_to_string(), code & 0xff, code);
    }
}
