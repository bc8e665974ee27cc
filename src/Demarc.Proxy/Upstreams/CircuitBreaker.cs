namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Whether one deployment is worth asking first: failing when at least <see cref="MinFailures"/> calls and half of all within
/// the last 30 seconds failed, or one failed in a way that the next will too. After a pause that doubles with each failed
/// probe (15 seconds to 2 minutes) a single call probes it. Not thread-safe: its owner locks.
/// </summary>
internal sealed class CircuitBreaker
{
    public const int MinFailures = 5;

    private const int Buckets = 10;
    private static readonly TimeSpan BucketLength = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    private readonly (long Bucket, int Succeeded, int Failed)[] _window = new (long, int, int)[Buckets];
    private TimeSpan _pause = FirstPause;
    private DateTimeOffset _probing;

    /// <summary>Until when it is not asked before others; in the past for one that is not failing or may be probed.</summary>
    public DateTimeOffset FailingUntil { get; private set; }

    /// <summary>True from opening until a probe succeeds.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>False while it is failing, and while another call probes it.</summary>
    public bool TryEnter(DateTimeOffset now)
    {
        if (!IsOpen)
            return now >= FailingUntil;
        if (now < FailingUntil || now < _probing)
            return false;
        // A probe that never reports back must not keep the deployment out for good.
        _probing = now + LongestPause;
        return true;
    }

    public void Succeeded(DateTimeOffset now)
    {
        if (IsOpen)
        {
            (IsOpen, _pause, _probing, FailingUntil) = (false, FirstPause, default, default);
            Array.Clear(_window);
        }
        Bucket(now).Succeeded++;
    }

    /// <param name="lasting">The next call will fail the same way: credentials, or a deployment that is not there.</param>
    public void Failed(DateTimeOffset now, bool lasting)
    {
        if (IsOpen)
        {
            // The probe failed, or a call that had begun before: the pause begins anew.
            if (now >= FailingUntil)
                _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            Open(now);
            return;
        }
        Bucket(now).Failed++;
        var (succeeded, failed) = Counts(now);
        if (lasting || (failed >= MinFailures && failed >= succeeded))
            Open(now);
    }

    /// <summary>Another replica found it failing: it is not asked before others until then, and then probed.</summary>
    public void OpenedElsewhere(DateTimeOffset until, DateTimeOffset now)
    {
        // What another clock says must not keep it out for longer than a pause can be.
        var most = now + LongestPause;
        until = until < most ? until : most;
        if (until > now && (!IsOpen || until > FailingUntil))
            (IsOpen, FailingUntil, _probing) = (true, until, default);
    }

    /// <summary>It asked for patience, and works otherwise.</summary>
    public void Wait(DateTimeOffset until)
    {
        if (until > FailingUntil)
            FailingUntil = until;
    }

    private void Open(DateTimeOffset now) => (IsOpen, FailingUntil, _probing) = (true, now + _pause, default);

    private ref (long Bucket, int Succeeded, int Failed) Bucket(DateTimeOffset now)
    {
        var number = now.UtcTicks / BucketLength.Ticks;
        ref var bucket = ref _window[number % Buckets];
        if (bucket.Bucket != number)
            bucket = (number, 0, 0);
        return ref bucket;
    }

    private (int Succeeded, int Failed) Counts(DateTimeOffset now)
    {
        var oldest = (now.UtcTicks / BucketLength.Ticks) - Buckets;
        int succeeded = 0, failed = 0;
        foreach (var bucket in _window)
        {
            if (bucket.Bucket <= oldest)
                continue;
            succeeded += bucket.Succeeded;
            failed += bucket.Failed;
        }
        return (succeeded, failed);
    }
}
