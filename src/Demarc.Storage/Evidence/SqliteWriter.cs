using System.Threading.Channels;
using Demarc.Governance.Evidence;
using Demarc.Storage.Projections;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Demarc.Storage.Evidence;

/// <summary>
/// The only connection of this process that writes to a SQLite file. A thread commits whatever is queued as one
/// transaction, so that the cost of making a write durable is shared by all who wait for it; a record that comes while
/// nothing is under way is committed by its caller, which spares two threads a wake. Nothing that somebody waits for
/// lingers; the beginning of a request does, up to 2 ms, for the end of it may be near.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    private const int MaxGroup = 512;
    private const int MaxQueued = 8192;
    private const int SplitFrom = 4;

    // With more than this waiting, the thread is at work anyway: a worker that commits would be missed elsewhere.
    private const int FewQueued = 2;
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(2);

    private readonly SqliteConnection _connection;
    private readonly SqliteInsert? _insert;
    private readonly Dictionary<BulkStatement, SqliteBulk> _bulk = [];
    private readonly List<LogRow> _written = [];
    private readonly Channel<SqliteJob> _queue = Channel.CreateBounded<SqliteJob>(new BoundedChannelOptions(MaxQueued)
    {
        // The reader's only continuation wakes the thread, the writers' only ones await their commit: no code of a caller.
        AllowSynchronousContinuations = true,
    });

    // Held by whoever uses the connection.
    private readonly Lock _turn = new();
    private readonly List<SqliteJob> _group = new(MaxGroup);
    private readonly AutoResetEvent _hurry = new(false);
    private int _urgent;
    private volatile bool _lingers;
    private volatile bool _hurried;
    private bool _closed;

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
        if (!job.Lingers && _queue.Reader.Count <= FewQueued && _turn.TryEnter())
        {
            try
            {
                if (!_closed)
                    CommitQueued(job);
            }
            finally
            {
                _turn.Exit();
            }
            if (job.Done.IsCompleted)
                return job.Done;
        }
        return Enqueue(job) ? job.Done : QueueAsync(job, job.Done);
    }

    public async Task<T> WriteAsync<T>(Func<SqliteTransactionScope, Task<T>> write, Action<SqliteTransactionScope> durable)
    {
        var job = new SqliteWork<T>(write, durable);
        if (!Enqueue(job))
            await QueueAsync(job, job.Done).ConfigureAwait(false);
        return await job.Done.ConfigureAwait(false);
    }

    /// <summary>What is queued waits for no company.</summary>
    public void Hurry()
    {
        _hurried = true;
        if (_lingers)
            _hurry.Set();
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
            Urge(job);
        }
        catch (ChannelClosedException)
        {
            throw new StoreException("The store is closed.");
        }
        await done.ConfigureAwait(false);
    }

    private bool Enqueue(SqliteJob job)
    {
        if (!_queue.Writer.TryWrite(job))
            return false;
        Urge(job);
        return true;
    }

    private void Urge(SqliteJob job)
    {
        if (job.Lingers)
            return;
        Interlocked.Increment(ref _urgent);
        if (_lingers)
            _hurry.Set();
    }

    private void Loop()
    {
        while (Wait(_queue.Reader))
        {
            _lingers = true;
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref _urgent) == 0 && !_hurried)
                _hurry.WaitOne(Linger);
            _lingers = false;
            lock (_turn)
                CommitQueued(null);
        }

        lock (_turn)
            _closed = true;
        _checkpoints.Dispose();
        foreach (var bulk in _bulk.Values)
            bulk.Dispose();
        _insert?.Dispose();
        _connection.Dispose();
        _hurry.Dispose();
        _ended.SetResult();
    }

    /// <summary>Commits what is queued, and <paramref name="own"/> after it. The caller has the turn.</summary>
    private void CommitQueued(SqliteJob? own)
    {
        _hurried = false;
        _group.Clear();
        while (_group.Count < MaxGroup && _queue.Reader.TryRead(out var job))
        {
            if (!job.Lingers)
                Interlocked.Decrement(ref _urgent);
            _group.Add(job);
        }
        if (own is not null)
            _group.Add(own);
        // Whoever had the turn before may have taken all.
        if (_group.Count == 0)
            return;
        Commit(_group, own);
        _checkpoints.AfterCommit(this);
    }

    private static bool Wait(ChannelReader<SqliteJob> reader)
    {
        var wait = reader.WaitToReadAsync();
        return wait.IsCompleted ? wait.Result : wait.AsTask().GetAwaiter().GetResult();
    }

    private void Commit(List<SqliteJob> group, SqliteJob? own)
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
        Complete(group, own, failure);
        if (failure == null)
            _durable();
    }

    // Appends are told in two work items, not one each: waking a worker costs more than most of what it then does.
    private static void Complete(List<SqliteJob> group, SqliteJob? own, Exception? failure)
    {
        var appends = new List<SqliteJob>(group.Count);
        foreach (var job in group)
        {
            // Nobody awaits a caller's own yet.
            if (job is SqliteAppend && job != own)
                appends.Add(job);
            else
                job.Complete(failure);
        }
        var half = appends.Count > SplitFrom ? appends.Count / 2 : appends.Count;
        Tell(appends, 0, half, failure);
        Tell(appends, half, appends.Count, failure);
    }

    private static void Tell(List<SqliteJob> jobs, int from, int to, Exception? failure)
    {
        if (from == to)
            return;
        ThreadPool.UnsafeQueueUserWorkItem(_ =>
        {
            for (var i = from; i < to; i++)
                jobs[i].Complete(failure);
        }, null);
    }
}
