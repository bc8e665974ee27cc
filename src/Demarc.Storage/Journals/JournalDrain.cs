using Demarc.Governance.Evidence;
using Microsoft.Extensions.Logging;

namespace Demarc.Storage.Journals;

/// <summary>
/// What is durable in the journal and not yet in the store, in memory, and the task that gives it to the store: gathered for a
/// moment, for rows in large groups cost the store a fraction. What the store refuses is offered again until it takes it.
/// </summary>
internal sealed partial class JournalDrain : IAsyncDisposable
{
    // Beyond this, appends wait: for the store to keep up, or, while it takes nothing, in vain. All of it is in memory.
    private const int MaxWaiting = 20_000;
    private const long MaxWaitingBytes = 256 << 20;

    // At once, in one transaction.
    private const int MaxTaken = 4096;
    private const int MaxTakenBytes = 32 << 20;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private readonly Func<List<EvidenceRecord>, long, Task> _take;
    private readonly Action _idle;
    private readonly Func<JournalWindow, Task>? _resumed;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Signal _added;
    private readonly Signal _awaited;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _room = new(true);
    private readonly List<(long Upto, TaskCompletionSource Taken)> _waiters = [];
    private List<EvidenceRecord> _waiting = [];
    private List<EvidenceRecord> _spare = [];
    private long _last;
    private long _taken;
    private long _bytes;
    private volatile bool _refused;

    // Of the loop alone.
    private DateTimeOffset? _refusedFrom;
    private long _delayed;

    /// <param name="resumed">Told when the store takes records again that it had refused.</param>
    public JournalDrain(long last, Func<List<EvidenceRecord>, long, Task> take, Action idle, Func<JournalWindow, Task>? resumed, TimeProvider time, ILogger log)
    {
        (_last, _taken, _take, _idle, _resumed, _time, _log) = (last, last, take, idle, resumed, time, log);
        (_added, _awaited) = (new Signal(time), new Signal(time));
        _loop = LoopAsync();
    }

    /// <summary>The number up to which the store has all.</summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>Whether more may be written to the journal without waiting for the store.</summary>
    public bool HasRoom => _room.IsSet;

    /// <summary>Whether there is no room, and none is to come: the store takes nothing.</summary>
    public bool IsFull => _refused && !_room.IsSet;

    /// <summary>Waits until the store keeps up; returns at once while it takes nothing.</summary>
    public void WaitForRoom()
    {
        while (!_refused && !_room.Wait(Again))
        {
            // Until the store has taken some, or refused it.
        }
    }

    /// <summary>Adds what has become durable, in order.</summary>
    public void Add(List<EvidenceRecord> records, long last)
    {
        lock (_lock)
        {
            _waiting.AddRange(records);
            _last = last;
            Interlocked.Add(ref _bytes, Bytes(records));
            if (!Fits)
                _room.Reset();
        }
        _added.Set();
    }

    /// <summary>Completes when the store has all that was added before; at once while it refuses.</summary>
    public Task TakenAsync()
    {
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (_taken == _last || _refused)
                return Task.CompletedTask;
            waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((_last, waiter));
        }
        _awaited.Set();
        return waiter.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _room.Dispose();
    }

    private async Task LoopAsync()
    {
        var stopping = false;
        while (!stopping || (Taken != Volatile.Read(ref _last) && !_refused))
        {
            stopping = _stop.IsCancellationRequested;
            if (Taken == Volatile.Read(ref _last))
            {
                if (!await WaitAsync(_added, Quiet).ConfigureAwait(false))
                    Idle();
                if (Taken == Volatile.Read(ref _last))
                    continue;
            }
            // On purpose, though there is something to do, unless somebody waits for it: more comes at a fraction of the cost.
            await WaitAsync(_awaited, _refused ? Again : Gather).ConfigureAwait(false);
            await TakeAsync().ConfigureAwait(false);
        }
    }

    private void Idle()
    {
        try
        {
            _idle();
        }
        catch (Exception e)
        {
            NotCleared(e);
        }
    }

    private async Task<bool> WaitAsync(Signal signal, TimeSpan atMost)
    {
        try
        {
            return await signal.WaitAsync(atMost, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopping ends the wait and is no failure: what is there is still given to the store.
            return true;
        }
    }

    private async Task TakeAsync()
    {
        List<EvidenceRecord> records;
        long last;
        lock (_lock)
        {
            (records, last) = (_waiting, _last);
            (_waiting, _spare) = (_spare, []);
        }
        var done = 0;
        try
        {
            while (done < records.Count)
            {
                var count = Next(records, done);
                var some = count == records.Count ? records : records.GetRange(done, count);
                await _take(some, last - records.Count + done + count).ConfigureAwait(false);
                Interlocked.Add(ref _bytes, -Bytes(some));
                done += count;
            }
            Keep(last, null);
            if (_refusedFrom is { } from)
                await ResumedAsync(from, records).ConfigureAwait(false);
            records.Clear();
            _spare = records;
        }
        catch (Exception e)
        {
            NotTaken(e);
            _refusedFrom ??= _time.GetUtcNow();
            _delayed += done;
            Keep(last - records.Count + done, records.GetRange(done, records.Count - done));
        }
    }

    private async Task ResumedAsync(DateTimeOffset from, List<EvidenceRecord> records)
    {
        var window = new JournalWindow(from, _time.GetUtcNow(), _delayed + records.Count, [.. records.Select(r => r.OrganizationId).Distinct()]);
        (_refusedFrom, _delayed) = (null, 0);
        try
        {
            await (_resumed?.Invoke(window) ?? Task.CompletedTask).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            NotNoted(e);
        }
    }

    // Within the lock.
    private bool Fits => _waiting.Count < MaxWaiting && Interlocked.Read(ref _bytes) < MaxWaitingBytes;

    private static long Bytes(List<EvidenceRecord> records)
    {
        var bytes = 0L;
        foreach (var record in records)
            bytes += record.Bytes;
        return bytes;
    }

    // How many from there on go to the store at once: one at least, however large.
    private static int Next(List<EvidenceRecord> records, int from)
    {
        var (count, bytes) = (1, (long)records[from].Bytes);
        while (from + count < records.Count && count < MaxTaken && (bytes += records[from + count].Bytes) <= MaxTakenBytes)
            count++;
        return count;
    }

    private void Keep(long taken, List<EvidenceRecord>? left)
    {
        List<TaskCompletionSource> told = [];
        lock (_lock)
        {
            Volatile.Write(ref _taken, taken);
            _refused = left is not null;
            if (left is not null)
                _waiting.InsertRange(0, left);
            if (Fits)
                _room.Set();
            if (_waiters.Count == 0)
                return;
            told.AddRange(_waiters.Where(w => w.Upto <= taken || _refused).Select(w => w.Taken));
            _waiters.RemoveAll(w => w.Upto <= taken || _refused);
        }
        foreach (var waiter in told)
            waiter.SetResult();
    }

    [LoggerMessage(3022, LogLevel.Warning, "The journal could not be cleared of what the store has")]
    private partial void NotCleared(Exception e);

    [LoggerMessage(3029, LogLevel.Error, "That records waited in the journal, as the store took none, is not on record")]
    private partial void NotNoted(Exception e);

    [LoggerMessage(3020, LogLevel.Critical, "The store takes no records: they are kept in the journal, and offered again each second")]
    private partial void NotTaken(Exception e);
}
