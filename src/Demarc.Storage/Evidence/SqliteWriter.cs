using System.Threading.Channels;
using Demarc.Governance.Evidence;
using Demarc.Storage.Projections;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Demarc.Storage.Evidence;

/// <summary>
/// The only connection of this process that writes to a SQLite file. A thread commits whatever is queued as one
/// transaction, so that the cost of making a write durable is shared by all who wait for it.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    private const int MaxGroup = 512;
    private const int MaxQueued = 8192;

    private readonly SqliteConnection _connection;
    private readonly SqliteInsert? _insert;
    private readonly Dictionary<BulkStatement, SqliteBulk> _bulk = [];
    private readonly List<LogRow> _written = [];
    private readonly Channel<SqliteJob> _queue = Channel.CreateBounded<SqliteJob>(new BoundedChannelOptions(MaxQueued)
    {
        // The reader's only continuation wakes the thread.
        AllowSynchronousContinuations = true,
    });

    private readonly Action _durable;
    private readonly SqliteCheckpoints _checkpoints;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="connection">Owned by the writer from here on.</param>
    /// <param name="replica">The writer of records; null for a file that has none.</param>
    /// <param name="durable">Called after each commit, on the writer's thread.</param>
    public SqliteWriter(SqliteConnection connection, string? replica, TimeProvider time, Action durable)
    {
        _connection = connection;
        Time = time;
        _durable = durable;
        Execute("PRAGMA wal_autocheckpoint=0");
        if (replica != null)
            _insert = new SqliteInsert(connection, replica);
        _checkpoints = new SqliteCheckpoints(connection.DataSource, time);
        new Thread(Loop) { IsBackground = true, Name = $"demarc writer {Path.GetFileName(connection.DataSource)}" }.Start();
    }

    public SqliteConnection Connection => _connection;

    /// <summary>The rows of the log that became durable last.</summary>
    public RecentLog Recent { get; } = new();

    public TimeProvider Time { get; }

    /// <summary>True for errors after which nothing of the group can be kept; others concern one statement.</summary>
    public static bool EndsGroup(Exception e) =>
        e is SqliteException s && s.SqliteErrorCode is not (raw.SQLITE_CONSTRAINT or raw.SQLITE_ERROR or raw.SQLITE_MISMATCH or raw.SQLITE_TOOBIG);

    public Task AppendAsync(EvidenceRecord record)
    {
        var job = new SqliteAppend(record);
        return _queue.Writer.TryWrite(job) ? job.Done : QueueAsync(job, job.Done);
    }

    public async Task<T> WriteAsync<T>(Func<SqliteTransactionScope, Task<T>> write, Action<SqliteTransactionScope> durable)
    {
        var job = new SqliteWork<T>(write, durable);
        if (!_queue.Writer.TryWrite(job))
            await QueueAsync(job, job.Done).ConfigureAwait(false);
        return await job.Done.ConfigureAwait(false);
    }

    /// <summary>Adds a record to the transaction that runs; on the writer's thread only.</summary>
    public void Insert(EvidenceRecord record) => _written.Add(RecentLog.Row(record, _insert!.Run(record)));

    /// <summary>Runs something in a savepoint: when it throws, nothing of it is kept, and the group stands.</summary>
    public void InSavepoint(Action write)
    {
        var written = _written.Count;
        Execute("SAVEPOINT work");
        try
        {
            write();
        }
        catch (Exception e) when (!EndsGroup(e))
        {
            Execute("ROLLBACK TO work");
            Execute("RELEASE work");
            _written.RemoveRange(written, _written.Count - written);
            throw;
        }
        Execute("RELEASE work");
    }

    /// <summary>Runs a statement for each row, prepared once; on the writer's thread only.</summary>
    public void Execute(BulkStatement statement, IReadOnlyList<object?[]> rows)
    {
        if (!_bulk.TryGetValue(statement, out var bulk))
            _bulk[statement] = bulk = new SqliteBulk(_connection, statement);
        foreach (var row in rows)
            bulk.Run(row);
    }

    public void Execute(string sql)
    {
        var code = raw.sqlite3_exec(_connection.Handle, sql);
        if (code != raw.SQLITE_OK)
            throw new SqliteException($"{sql}: {raw.sqlite3_errmsg(_connection.Handle).utf8_to_string()}", code & 0xff, code);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _ended.Task.ConfigureAwait(false);
    }

    private async Task QueueAsync(SqliteJob job, Task done)
    {
        try
        {
            await _queue.Writer.WriteAsync(job).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new StoreException("The store is closed.");
        }
        await done.ConfigureAwait(false);
    }

    private void Loop()
    {
        var group = new List<SqliteJob>(MaxGroup);
        using var wait = new QueueWait<SqliteJob>(_queue.Reader);
        while (wait.HasMore())
        {
            group.Clear();
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out var job))
                group.Add(job);
            Commit(group);
            _checkpoints.AfterCommit(this);
        }

        _checkpoints.Dispose();
        foreach (var bulk in _bulk.Values)
            bulk.Dispose();
        _insert?.Dispose();
        _connection.Dispose();
        _ended.SetResult();
    }

    private void Commit(List<SqliteJob> group)
    {
        Exception? failure = null;
        _written.Clear();
        try
        {
            Execute("BEGIN IMMEDIATE");
            foreach (var job in group)
                job.Run(this);
            Execute("COMMIT");
        }
        catch (Exception e)
        {
            failure = new StoreException("The store refused a write: " + e.Message, e);
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0)
                raw.sqlite3_exec(_connection.Handle, "ROLLBACK");
        }

        if (failure == null)
            Recent.Add(_written);
        foreach (var job in group)
            job.Complete(failure);
        if (failure == null)
            _durable();
    }
}
