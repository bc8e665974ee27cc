namespace Demarc.Tests.Harness;

/// <summary>
/// The system's clock, put forward by a test. Timers of ten seconds and more do not run: they go off when they are stepped past,
/// so that nobody waits for the patience that is tested.
/// </summary>
internal sealed class SteppedTimers : TimeProvider
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly List<Timer> _pending = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _ahead;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return System.GetUtcNow() + _ahead;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Puts the clock forward and sets off what was due by then.</summary>
    public void Step(TimeSpan by)
    {
        Timer[] due;
        lock (_gate)
        {
            _ahead += by;
            var now = System.GetUtcNow() + _ahead;
            due = [.. _pending.Where(t => t.At <= now)];
            foreach (var timer in due)
                Forget(timer);
        }
        foreach (var timer in due)
            timer.GoOff();
    }

    /// <summary>Whether a timer that was set for so long has not gone off yet.</summary>
    public bool IsPending(TimeSpan due)
    {
        lock (_gate)
            return _pending.Exists(t => t.Due == due);
    }

    /// <summary>Waits until a timer that was set for so long is pending, or, when <paramref name="pending"/> is false, until none is.</summary>
    public async Task UntilAsync(TimeSpan due, bool pending, CancellationToken stop)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (IsPending(due) == pending)
                    return;
                changed = _changed.Task;
            }
            await changed.WaitAsync(stop);
        }
    }

    private void Keep(Timer timer, TimeSpan due)
    {
        lock (_gate)
        {
            _pending.Remove(timer);
            (timer.Due, timer.At) = (due, System.GetUtcNow() + _ahead + due);
            _pending.Add(timer);
            Tell();
        }
    }

    private void Forget(Timer timer)
    {
        lock (_gate)
        {
            if (_pending.Remove(timer))
                Tell();
        }
    }

    private void Tell()
    {
        _changed.SetResult();
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Timer(SteppedTimers owner, TimerCallback callback, object? state) : ITimer
    {
        private readonly ITimer _real = System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        private TimeSpan _period = Timeout.InfiniteTimeSpan;

        public TimeSpan Due { get; set; }

        public DateTimeOffset At { get; set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            if (dueTime < s_long)
            {
                owner.Forget(this);
                return _real.Change(dueTime, period);
            }
            owner.Keep(this, dueTime);
            return _real.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public void GoOff()
        {
            if (_period > TimeSpan.Zero)
                owner.Keep(this, _period);
            callback(state);
        }

        public void Dispose()
        {
            owner.Forget(this);
            _real.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            owner.Forget(this);
            return _real.DisposeAsync();
        }
    }
}
