namespace Demarc.Proxy.Upstreams;

/// <summary>
/// How far this machine's clock is ahead of the upstreams', by the <c>Date</c> of their answers: of whole seconds, and some time
/// on the way. One answer in ten seconds is looked at, and the middle of the last nine counts: a single clock may be wrong itself.
/// </summary>
public sealed class UpstreamClock
{
    private const int Kept = 9;
    private static readonly long s_interval = TimeSpan.FromSeconds(10).Ticks;

    private readonly Lock _gate = new();
    private readonly Queue<TimeSpan> _last = new(Kept);
    private long _next;

    /// <summary>Null until an upstream has answered.</summary>
    public TimeSpan? Skew
    {
        get
        {
            lock (_gate)
                return _last.Count == 0 ? null : _last.Order().ElementAt(_last.Count / 2);
        }
    }

    /// <summary>An upstream answered.</summary>
    public void Observe(HttpResponseMessage response, DateTimeOffset now)
    {
        // Each answer comes by; almost none goes further than this.
        var next = Volatile.Read(ref _next);
        // A clock that was set back does not wait until it is where it was.
        var waits = now.UtcTicks < next && now.UtcTicks >= next - s_interval;
        if (waits || Interlocked.CompareExchange(ref _next, now.UtcTicks + s_interval, next) != next || response.Headers.Date is not { } date)
            return;
        lock (_gate)
        {
            if (_last.Count == Kept)
                _last.Dequeue();
            _last.Enqueue(now - date);
        }
    }
}
