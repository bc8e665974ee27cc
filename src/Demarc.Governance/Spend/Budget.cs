namespace Demarc.Governance.Spend;

/// <summary>One meter in this replica: its lease, and what of that is reserved or spent. Safe for concurrent use.</summary>
public sealed class Budget
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private long _granted;
    private long _held;
    private long _spent;
    private long _base;
    private long _cap = long.MaxValue;
    private long _free;
    private long _others;
    private long _confirmed;
    private long _claimed;
    private int _holds;
    private TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Budget(Meter meter, TimeProvider time) => (Meter, _time) = (meter, time);

    public Meter Meter { get; }

    /// <summary>One caller asks the store at a time.</summary>
    internal SemaphoreSlim Asking { get; } = new(1, 1);

    /// <summary>When the store was last asked.</summary>
    internal long AskedAt { get; set; }

    internal bool IsLoaded { get; private set; }

    /// <summary>The lease is not this replica's any more; nothing is taken from it.</summary>
    internal bool IsLost { get; private set; }

    /// <summary>No lease holds longer than this without the store's word: long before others take it back.</summary>
    internal static readonly TimeSpan Term = TimeSpan.FromSeconds(20);

    /// <summary>Spent in the period: what the store had, and what this replica settled since.</summary>
    public long Settled
    {
        get
        {
            lock (_gate)
                return _base + _spent;
        }
    }

    /// <summary>What a wait for others' holds could yield at most.</summary>
    internal long Potential
    {
        get
        {
            lock (_gate)
                return _free + _others + _granted - _spent;
        }
    }

    /// <summary>What other replicas had leased when the store was last asked.</summary>
    internal long Others
    {
        get
        {
            lock (_gate)
                return _others;
        }
    }

    internal Task Freed => Volatile.Read(ref _freed).Task;

    /// <param name="most">For a hold that begins: what it may come to. 0 for more of one that has begun.</param>
    /// <param name="patient">Whether to stand back while others, begun before, may need what is left.</param>
    internal bool TryTake(long nano, long cap, long most, bool patient)
    {
        lock (_gate)
        {
            if (Missing(nano, cap) > 0 || (patient && Crowded(most)))
                return false;
            _held += nano;
            _claimed += most;
            if (most > 0)
                _holds++;
            return true;
        }
    }

    /// <summary>
    /// Streams that all began and then each wanted more than is left would all be cut off: near a limit they come one after the
    /// other. Alone, each may begin, however much it could come to.
    /// </summary>
    internal bool IsCrowdedFor(long most)
    {
        lock (_gate)
            return Crowded(most);
    }

    private bool Crowded(long most) => most > 0 && _holds > 0 && _free + _others + _granted - _spent - _claimed < most;

    /// <summary>How much more of a lease an amount takes; 0 when it can be taken at once.</summary>
    internal long MissingFor(long nano, long cap)
    {
        lock (_gate)
            return Missing(nano, cap);
    }

    private long Missing(long nano, long cap)
    {
        var available = _granted - _spent - _held;
        return IsLost || (cap < _cap && _granted > 0) || !IsLoaded || _time.GetElapsedTime(_confirmed) > Term
            ? Math.Max(1, nano - available)
            : Math.Max(0, nano - available);
    }

    /// <summary>Ends a hold with what was spent of it; the period's total from then on.</summary>
    internal long Release(long held, long most, long cost)
    {
        TaskCompletionSource freed;
        long settled;
        lock (_gate)
        {
            _held -= held;
            _claimed -= most;
            _spent += cost;
            _holds--;
            settled = _base + _spent;
            (freed, _freed) = (_freed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        freed.TrySetResult();
        return settled;
    }

    /// <summary>A cost that nothing is held for; the period's total from then on.</summary>
    internal long Spend(long cost)
    {
        lock (_gate)
        {
            _spent += cost;
            IsStale = true;
            return _base + _spent;
        }
    }

    /// <summary>Spent from since the store's total was last read.</summary>
    internal bool IsStale { get; private set; }

    internal void Lower(long by)
    {
        TaskCompletionSource freed;
        lock (_gate)
        {
            _held -= by;
            (freed, _freed) = (_freed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        freed.TrySetResult();
    }

    internal void Granted(LeaseGrant grant, long cap, long askedAt)
    {
        lock (_gate)
        {
            _granted += grant.Granted;
            (_free, _others, _cap, _confirmed) = (grant.Free, grant.Others, cap, askedAt);
            _base = Math.Max(_base, grant.Settled - _spent);
            IsLoaded = true;
        }
    }

    internal void Loaded(long settled)
    {
        lock (_gate)
        {
            _base = Math.Max(_base, settled - _spent);
            (IsLoaded, IsStale) = (true, false);
        }
    }

    internal void Confirm(long settled, long at)
    {
        lock (_gate)
        {
            _base = Math.Max(_base, settled - _spent);
            _confirmed = at;
        }
    }

    /// <summary>What is neither reserved nor spent, taken out of the lease to be given back.</summary>
    internal long TakeSlack()
    {
        lock (_gate)
        {
            var slack = Math.Max(0, _granted - _spent - _held);
            _granted -= slack;
            return slack;
        }
    }

    internal bool ShrinksTo(long cap)
    {
        lock (_gate)
            return cap < _cap && _granted > 0;
    }

    /// <summary>Something is held of it.</summary>
    internal bool IsHeld
    {
        get
        {
            lock (_gate)
                return _holds > 0;
        }
    }

    internal bool HasLease
    {
        get
        {
            lock (_gate)
                return _granted > 0;
        }
    }

    internal void Lose()
    {
        lock (_gate)
            IsLost = true;
    }
}
