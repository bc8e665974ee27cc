using Demarc.Storage.Projections;
using Microsoft.Data.Sqlite;

namespace Demarc.Storage.Evidence;

/// <summary>A statement prepared once and run for row after row.</summary>
internal sealed class SqliteBulk : IDisposable
{
    private readonly SqliteCommand _command;

    public SqliteBulk(SqliteConnection connection, BulkStatement statement)
    {
        _command = connection.CreateCommand();
        _command.CommandText = statement.Each;
        for (var i = 0; i < statement.Types.Length; i++)
            _command.Parameters.Add(new SqliteParameter { ParameterName = $"@p{i}" });
    }

    public void Run(object?[] row)
    {
        for (var i = 0; i < row.Length; i++)
            _command.Parameters[i].Value = row[i] ?? DBNull.Value;
        _command.ExecuteNonQuery();
    }

    public void Dispose() => _command.Dispose();
}
