using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Demarc.Storage.Evidence;

/// <summary>
/// Moves the write-ahead log into the SQLite file beside the writer, never under a commit: a passive checkpoint from
/// another connection each second and whenever another 16 MB were written. Only a log that outgrows 64 MB all the
/// same is started over by the writer itself, when nearly nothing is left to move.
/// </summary>
internal sealed class SqliteCheckpoints : IDisposable
{
    private const long SoonBytes = 16 << 20;
    private const long RestartBytes = 64 << 20;

    private readonly SqliteConnection _connection;
    private readonly FileInfo _log;
    private readonly ITimer _timer;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private long _nextBytes = SoonBytes;
    private int _commits;
    private volatile bool _written;
    private volatile bool _restart;
    private volatile bool _stop;

    public SqliteCheckpoints(string file, TimeProvider time)
    {
        _log = new FileInfo(file + "-wal");
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        _connection.Open();
        _timer = time.CreateTimer(_ => _wake.Set(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        _thread = new Thread(Loop) { IsBackground = true, Name = $"demarc checkpoints {Path.GetFileName(file)}" };
        _thread.Start();
    }

    /// <summary>Called by the writer between two transactions.</summary>
    public void AfterCommit(SqliteWriter writer)
    {
        _written = true;
        // Asking for the size costs a system call: once in a while is enough.
        if (++_commits % 64 == 0)
        {
            _log.Refresh();
            if (_log.Exists && _log.Length >= _nextBytes)
            {
                _nextBytes = _log.Length + SoonBytes;
                _wake.Set();
            }
        }
        if (!_restart)
            return;

        _restart = false;
        _nextBytes = SoonBytes;
        // A reader in the way is not waited for: the next round tries again.
        writer.Execute("PRAGMA busy_timeout=20");
        using (var command = writer.Connection.CreateCommand())
        {
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            command.CommandTimeout = 1;
            try
            {
                command.ExecuteNonQuery();
            }
            catch (DbException)
            {
                _nextBytes = RestartBytes + SoonBytes;
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
                command.ExecuteNonQuery();
            }
            catch (DbException)
            {
                // Busy, or the disk is full: the commits report what matters, the next round tries again.
                continue;
            }
            _log.Refresh();
            if (_log.Exists && _log.Length > RestartBytes)
                _restart = true;
        }
    }
}
