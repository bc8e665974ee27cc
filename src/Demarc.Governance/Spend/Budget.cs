namespace Demarc.Governance.Spend;

/// <summary>
/// One meter in this replica: its lease, and what of that is reserved or spent. Safe for concurrent use. In the store the
/// lease is what was granted less what of it was settled, so that what is spent here lowers both sides alike.
/// </summary>
public sealed class Budget
{
    /// <summary>No lease holds longer than this without the store's word: long before others take it back.</summary>
    internal static readonly TimeSpan Term = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;

    // Which lease it is: a hold on one that was lost neither grows nor counts in the next one.
    private int _lease;
    private long _granted;
    private long _held;
    private long _spent;
    private int _holds;
    private long _claimed;

    // As the store had it when it was last asked.
    private long _base;
    private long _cap = long.MaxValue;
    private long _free;
    private long _others;
    private bool _isLoaded;
    private bool _isStale;
    private bool _isForeseen;
    private long _confirmed;
    private DateTimeOffset _confirmedAt;
    private long _used;

    internal Budget(Meter meter, Escrow owner, TimeProvider time) => (Meter, Owner, _time, _used) = (meter, owner, time, time.GetTimestamp());

    public Meter Meter { get; }

    internal Escrow Owner { get; }

    /// <summary>Its period is long over, and nobody follows it any more.</summary>
    internal bool IsForgotten { get; set; }

    /// <summary>One caller asks the store at a time.</summary>
    internal SemaphoreSlim Asking { get; } = new(1, 1);

    /// <summary>Those who wait for others' holds.</summary>
    internal WaitingLine Line { get; } = new();

    /// <summary>When the store was last asked.</summary>
    internal long AskedAt { get; set; }

    /// <summary>Spent in the period: what the store had, and what this replica settled since.</summary>
    public long Settled
    {
        get
        {
            lock (_gate)
                return _base + _spent;
        }
    }

    internal bool IsLoaded
    {
        get
        {
            lock (_gate)
                return _isLoaded;
        }
    }

    /// <summary>What a wait for others' holds could yield at most; no bound is known before the store was asked.</summary>
    internal long Potential
    {
        get
        {
            lock (_gate)
                return _isLoaded ? _free + _others + _granted - _spent : long.MaxValue;
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

    /// <summary>Spent from since the store's total was last read.</summary>
    internal bool IsStale
    {
        get
        {
            lock (_gate)
                return _isStale && _granted == 0;
        }
    }

    /// <param name="most">For a hold that begins: what it may come to. 0 for more of one that has begun.</param>
    /// <param name="patient">Whether to stand back while others, begun before, may need what is left.</param>
    internal bool TryTake(ref Claim claim, long nano, long most, bool patient)
    {
        lock (_gate)
        {
            if (most == 0 && claim.Lease != _lease)
                return false;
            if (Missing(nano, claim.Cap) > 0 || (patient && Crowded(most)))
                return false;
            _used = _time.GetTimestamp();
            _held += nano;
            _claimed += most;
            if (most > 0)
                (_holds, claim.Lease) = (_holds + 1, _lease);
            return true;
        }
    }

    /// <summary>A hold is on a lease that was lost.</summary>
    internal bool IsLost(in Claim claim)
    {
        lock (_gate)
            return claim.Lease != _lease;
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

    /// <summary>How much more of a lease an amount takes; 0 when it can be taken at once.</summary>
    internal long MissingFor(long nano, long cap)
    {
        lock (_gate)
            return Missing(nano, cap);
    }

    /// <summary>Ends a hold with what was spent of it; the period's total from then on.</summary>
    internal long Release(in Claim claim, long held, long most, long cost)
    {
        long settled;
        lock (_gate)
        {
            if (claim.Lease == _lease)
                (_held, _claimed, _holds) = (_held - held, _claimed - most, _holds - 1);
            _used = _time.GetTimestamp();
            _spent += cost;
            settled = _base + _spent;
        }
        Line.Wake();
        return settled;
    }

    /// <summary>A cost that nothing is held for; the period's total from then on.</summary>
    internal long Spend(long cost)
    {
        lock (_gate)
        {
            _used = _time.GetTimestamp();
            _spent += cost;
            _isStale = true;
            return _base + _spent;
        }
    }

    internal void Lower(in Claim claim, long by)
    {
        lock (_gate)
        {
            if (claim.Lease == _lease)
                _held -= by;
        }
        Line.Wake();
    }

    internal void Granted(LeaseGrant grant, long cap, long askedAt, DateTimeOffset askedUtc)
    {
        lock (_gate)
        {
            _granted += grant.Granted;
            (_free, _others, _cap, _isLoaded) = (grant.Free, grant.Others, cap, true);
            Confirmed(grant.Settled, askedAt, askedUtc);
        }
    }

    internal void Loaded(long settled)
    {
        lock (_gate)
        {
            _base = Math.Max(_base, settled - _spent);
            (_isLoaded, _isStale) = (true, false);
        }
    }

    internal void Confirm(long settled, long askedAt, DateTimeOffset askedUtc)
    {
        lock (_gate)
            Confirmed(settled, askedAt, askedUtc);
    }

    /// <summary>
    /// What the period will come to when it goes on as it began, the first time that this is past an amount which is not spent
    /// yet; else null. A tenth of the period has to be over.
    /// </summary>
    internal long? Foresee(long amount)
    {
        lock (_gate)
        {
            var total = _base + _spent;
            if (_isForeseen || total <= 0 || total >= amount)
                return null;
            var start = new DateTimeOffset(Meter.Period.Start.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
            var (passed, whole) = ((_time.GetUtcNow() - start).Ticks, (Meter.Period.Reset - start).Ticks);
            if (passed < whole / 10 || (Int128)total * whole <= (Int128)amount * passed)
                return null;
            _isForeseen = true;
            return (long)Int128.Min(long.MaxValue, (Int128)total * whole / passed);
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

    /// <summary>The store may have that much more, as far as is known here.</summary>
    internal bool MayHave(long missing, long cap)
    {
        lock (_gate)
            return !_isLoaded || IsOver() || cap != _cap || _free >= missing || _spent > _granted;
    }

    internal bool ShrinksTo(long cap)
    {
        lock (_gate)
            return cap < _cap && _granted > 0;
    }

    /// <summary>Nothing was reserved of it or spent for a while.</summary>
    internal bool IsIdle(TimeSpan since)
    {
        lock (_gate)
            return _holds == 0 && _time.GetElapsedTime(_used) > since;
    }

    /// <summary>The lease is not this replica's any more: nothing is taken from it, and what is held of it counts no more.</summary>
    internal void Lose()
    {
        lock (_gate)
        {
            _lease++;
            _base += _spent;
            (_granted, _held, _spent, _claimed, _holds, _isLoaded) = (0, 0, 0, 0, 0, false);
        }
        Line.Wake();
    }

    private void Confirmed(long settled, long askedAt, DateTimeOffset askedUtc)
    {
        _base = Math.Max(_base, settled - _spent);
        (_confirmed, _confirmedAt) = (askedAt, askedUtc);
    }

    private bool Crowded(long most) => most > 0 && _holds > 0 && _free + _others + _granted - _spent - _claimed < most;

    private long Missing(long nano, long cap)
    {
        var available = _granted - _spent - _held;
        return !_isLoaded || (cap < _cap && _granted > 0) || IsOver() ? Math.Max(1, nano - available) : Math.Max(0, nano - available);
    }

    // By both clocks: one stands still while a machine is suspended, the other can be set back.
    private bool IsOver() => _granted > 0 && (_time.GetElapsedTime(_confirmed) > Term || _time.GetUtcNow() - _confirmedAt > Term);
}
