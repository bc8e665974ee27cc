using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Demarc.Storage.Evidence;

/// <summary>
/// Moves the write-ahead log into the SQLite file beside the writer, never under a commit: a passive checkpoint from
/// another connection every ten seconds and whenever another 32 MB were written (oftener, and commits meet its writes on the
/// disk oftener). A log that outgrows 96 MB all the same is
/// started over by the writer itself, when nearly nothing is left to move. Its file keeps its size: what is written over
/// costs less than what has to grow.
/// </summary>
internal sealed class SqliteCheckpoints : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private const int SoonBytes = 32 << 20;
    private const int RestartBytes = 96 << 20;

    // SQLITE_DBSTATUS_CACHE_WRITE (sqlite3.h): pages written since it was last reset.
    private const int CacheWrite = 9;

    private readonly SqliteConnection _connection;
    private readonly ITimer _timer;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private readonly int _pageSize;
    private int _pages;
    private volatile bool _written;
    private volatile bool _restart;
    private volatile bool _stop;

    public SqliteCheckpoints(string file, TimeProvider time)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        _connection.Open();
        using (var command = _connection.CreateCommand())
        {
            command.CommandText = "PRAGMA page_size";
            _pageSize = Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
        }
        _timer = time.CreateTimer(_ => _wake.Set(), null, Every, Every);
        _thread = new Thread(Loop) { IsBackground = true, Name = $"demarc checkpoints {Path.GetFileName(file)}" };
        _thread.Start();
    }

    /// <summary>Called by the writer between two transactions.</summary>
    public void AfterCommit(SqliteWriter writer)
    {
        _written = true;
        raw.sqlite3_db_status(writer.Connection.Handle, CacheWrite, out var pages, out _, 1);
        if ((_pages += pages) >= SoonBytes / _pageSize)
        {
            _pages = 0;
            _wake.Set();
        }
        if (!_restart)
            return;

        _restart = false;
        // A reader in the way is not waited for: the next round tries again.
        writer.Execute("PRAGMA busy_timeout=20");
        using (var command = writer.Connection.CreateCommand())
        {
            command.CommandText = "PRAGMA wal_checkpoint(RESTART)";
            command.CommandTimeout = 1;
            try
            {
                command.ExecuteNonQuery();
            }
            catch (DbException)
            {
                // Busy: the next round tries again.
            }
        }
        writer.Execute($"PRAGMA busy_timeout={SqliteStore.BusyMilliseconds}");
    }

    public void Dispose()
    {
        _stop = true;
        _wake.Set();
        _thread.Join();
        _timer.Dispose();
        _wake.Dispose();
        _connection.Dispose();
    }

    private void Loop()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(PASSIVE)";
        while (_wake.WaitOne() && !_stop)
        {
            if (!_written)
                continue;
            _written = false;
            try
            {
                // One row: busy, pages in the log, pages moved.
                using var row = command.ExecuteReader();
                if (row.Read() && row.GetInt32(1) > RestartBytes / _pageSize)
                    _restart = true;
            }
            catch (DbException)
            {
                // Busy, or the disk is full: the commits report what matters, the next round tries again.
            }
        }
    }
}
