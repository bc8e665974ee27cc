using System.Threading.Channels;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;
using Microsoft.Extensions.Logging;

namespace Demarc.Storage.Journals;

/// <summary>
/// Makes the records of a serving process durable in its journal, and gives them to the store behind it. A thread writes whatever
/// is queued in one go, so that the cost of making a write durable is shared by all who wait for it; a record that comes while
/// nothing is under way is written by its caller, which spares two threads a wake. Nothing that somebody waits for lingers;
/// the beginning of a request does, up to 2 ms, for the end of it may be near.
/// </summary>
internal sealed partial class JournalWriter : IAsyncDisposable
{
    private const int MaxGroup = 512;
    private const int MaxGroupBytes = 32 << 20;
    private const int MaxQueued = 8192;
    private const int SplitFrom = 4;

    // With more than this waiting, the thread is at work anyway: a worker that writes would be missed elsewhere.
    private const int FewQueued = 2;
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(2);

    private readonly Journal _journal;
    private readonly JournalDrain _drain;
    private readonly Channel<AppendJob> _queue = Channel.CreateBounded<AppendJob>(new BoundedChannelOptions(MaxQueued)
    {
        // The reader's only continuation wakes the thread, the writers' only ones await their record: no code of a caller.
        AllowSynchronousContinuations = true,
    });

    private readonly List<AppendJob> _group = new(MaxGroup);
    private readonly List<EvidenceRecord> _records = new(MaxGroup);
    private readonly AutoResetEvent _hurry = new(false);
    private int _urgent;
    private volatile bool _lingers;
    private volatile bool _hurried;
    private bool _closed;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="journal">Owned by the writer from here on.</param>
    /// <param name="take">Gives records to the store, with the number of the last: durable, and once, when the task completes.</param>
    /// <param name="resumed">Told when the store takes records again that it had refused.</param>
    public JournalWriter(Journal journal, Func<List<EvidenceRecord>, long, Task> take, TimeProvider time, ILogger log, Func<JournalWindow, Task>? resumed = null)
    {
        _journal = journal;
        _drain = new JournalDrain(journal.Last, take, ClearIdle, resumed, time, log);
        new Thread(Loop) { IsBackground = true, Name = "demarc journal" }.Start();
    }

    public Task AppendAsync(EvidenceRecord record)
    {
        var job = new AppendJob(record);
        if (!job.Lingers && _queue.Reader.Count <= FewQueued && _drain.HasRoom && Turn.TryEnter())
        {
            try
            {
                if (!_closed)
                    WriteQueued(job);
            }
            finally
            {
                Turn.Exit();
            }
            if (job.Task.IsCompleted)
                return job.Task;
        }
        return Enqueue(job) ? job.Task : QueueAsync(job);
    }

    /// <summary>What is queued waits for no company.</summary>
    public void Hurry()
    {
        _hurried = true;
        if (_lingers)
            _hurry.Set();
    }

    /// <summary>Held by whoever uses the journal: while it is, nothing becomes durable.</summary>
    public Lock Turn { get; } = new();

    /// <summary>Whether the store has taken enough for more to be appended.</summary>
    public bool HasRoom => _drain.HasRoom;

    /// <summary>Completes when the store has all that was durable before; at once while the store takes nothing.</summary>
    public Task TakenAsync() => _drain.TakenAsync();

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _ended.Task.ConfigureAwait(false);
        await _drain.DisposeAsync().ConfigureAwait(false);
        try
        {
            ClearIdle();
        }
        catch (IOException)
        {
            // The disk does not take zeros; what stays is known as taken by its numbers, and cleared by the next to open it.
        }
        _journal.Dispose();
    }

    private async Task QueueAsync(AppendJob job)
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
        await job.Task.ConfigureAwait(false);
    }

    private bool Enqueue(AppendJob job)
    {
        if (!_queue.Writer.TryWrite(job))
            return false;
        Urge(job);
        return true;
    }

    private void Urge(AppendJob job)
    {
        if (job.Lingers)
            return;
        Interlocked.Increment(ref _urgent);
        if (_lingers)
            _hurry.Set();
    }

    private void Loop()
    {
        using var wait = new QueueWait<AppendJob>(_queue.Reader);
        while (wait.HasMore())
        {
            _lingers = true;
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref _urgent) == 0 && !_hurried)
                _hurry.WaitOne(Linger);
            _lingers = false;
            _drain.WaitForRoom();
            lock (Turn)
                WriteQueued(null);
        }

        lock (Turn)
            _closed = true;
        _hurry.Dispose();
        _ended.SetResult();
    }

    /// <summary>Makes durable what is queued, and <paramref name="own"/> after it. The caller has the turn.</summary>
    private void WriteQueued(AppendJob? own)
    {
        _hurried = false;
        _group.Clear();
        for (var bytes = 0L; _group.Count < MaxGroup && bytes < MaxGroupBytes && _queue.Reader.TryRead(out var job); bytes += job.Record.Bytes)
        {
            if (!job.Lingers)
                Interlocked.Decrement(ref _urgent);
            if (!IsBehindRefused(job))
                _group.Add(job);
            else
                ThreadPool.UnsafeQueueUserWorkItem(static job => Complete(job, Behind()), job, preferLocal: false);
        }
        if (own is not null && IsBehindRefused(own))
        {
            // Nobody awaits it yet.
            Complete(own, Behind());
            own = null;
        }
        if (own is not null)
            _group.Add(own);
        // Whoever had the turn before may have taken all.
        if (_group.Count == 0)
            return;

        StoreException? failure = null;
        _records.Clear();
        foreach (var job in _group)
            _records.Add(job.Record);
        try
        {
            // A store that is only slow makes the next group wait, and not this one fail.
            if (_drain.IsFull)
                throw new IOException("The store takes nothing, and its journal is full.");
            _journal.Append(_records, _drain.Taken);
            _drain.Add(_records, _journal.Last);
        }
        catch (Exception e)
        {
            failure = new StoreException("The journal refused a write: " + e.Message, e);
            // Before anybody is told: what is queued behind must see it.
            foreach (var job in _group)
                job.Record.IsRefused = true;
        }
        CompleteGroup(own, failure);
    }

    // A request's end without its beginning would be no end of it. One that is offered again is refused no more: what is queued behind it comes after it.
    private static bool IsBehindRefused(AppendJob job) => job.Record.IsRefused = job.Record.After is { IsRefused: true };

    private static StoreException Behind() => new("The journal refused the request's record before this one.");

    // Nothing stays behind in the journal of a quiet process: what is erased from the store is not to be found here.
    private void ClearIdle()
    {
        lock (Turn)
        {
            if (_drain.Taken == _journal.Last && _journal.IsUsed)
                _journal.Clear();
        }
    }

    // Told in two work items, not one each: waking a worker costs more than most of what it then does.
    private void CompleteGroup(AppendJob? own, Exception? failure)
    {
        var others = new AppendJob[own is null ? _group.Count : _group.Count - 1];
        _group.CopyTo(0, others, 0, others.Length);
        // Nobody awaits a caller's own yet.
        if (own is not null)
            Complete(own, failure);
        var half = others.Length > SplitFrom ? others.Length / 2 : others.Length;
        Tell(others, 0, half, failure);
        Tell(others, half, others.Length, failure);
    }

    private static void Tell(AppendJob[] jobs, int from, int to, Exception? failure)
    {
        if (from == to)
            return;
        ThreadPool.UnsafeQueueUserWorkItem(_ =>
        {
            for (var i = from; i < to; i++)
                Complete(jobs[i], failure);
        }, null);
    }

    private static void Complete(AppendJob job, Exception? failure)
    {
        if (failure is null)
            job.SetResult();
        else
            job.SetException(failure);
    }
}
