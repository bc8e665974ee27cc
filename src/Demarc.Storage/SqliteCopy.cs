using Dapper;
using Microsoft.Data.Sqlite;

namespace Demarc.Storage;

/// <summary>Copies of the embedded store's files, taken while it serves.</summary>
public static class SqliteCopy
{
    /// <summary>
    /// The files of a store, in the order in which they are to be copied: what is derived before the log that it follows, and
    /// the log before the keys that open it, so that no copy names what another lacks.
    /// </summary>
    public static readonly string[] Files = ["derived.db", "demarc.db", "keys.db"];

    /// <summary>Copies a database as it is at one moment; whoever writes to it meanwhile is not held up.</summary>
    /// <param name="target">Not there yet; its owner's alone.</param>
    /// <exception cref="StoreException">The source cannot be read, or the copy is not whole.</exception>
    public static void Copy(string source, string target)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            new FileStream(target, options).Dispose();
            using (var from = Open(source, SqliteOpenMode.ReadOnly))
            using (var to = Open(target, SqliteOpenMode.ReadWrite))
            {
                from.BackupDatabase(to);
                // One file, which can be copied on: nothing of it in a log beside it.
                to.Execute("PRAGMA journal_mode=DELETE");
            }
            using var file = new FileStream(target, FileMode.Open, FileAccess.ReadWrite);
            file.Flush(flushToDisk: true);
        }
        catch (SqliteException e)
        {
            throw new StoreException($"{source} cannot be copied: {e.Message}", e);
        }
    }

    /// <summary>What SQLite finds wrong with a database; null for nothing.</summary>
    public static string? Check(string file)
    {
        try
        {
            using var connection = Open(file, SqliteOpenMode.ReadOnly);
            var found = connection.ExecuteScalar<string>("PRAGMA quick_check(1)");
            return found == "ok" ? null : found;
        }
        catch (SqliteException e)
        {
            return e.Message;
        }
    }

    private static SqliteConnection Open(string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
