namespace Demarc.Proxy.Limits;

/// <summary>
/// A count for a minute, by a window that slides: that of the minute before counts as far as it still reaches into the last 60
/// seconds. Not thread-safe: its owner locks.
/// </summary>
internal sealed class RateWindow
{
    private long _minute;
    private long _current;
    private long _previous;

    public bool HasRoom(long perMinute, DateTimeOffset now)
    {
        Slide(now);
        return _current + (_previous * (1 - Passed(now))) < perMinute;
    }

    /// <summary>What counts in the last 60 seconds, rounded up.</summary>
    public long Count(DateTimeOffset now)
    {
        Slide(now);
        return (long)Math.Ceiling(_current + (_previous * (1 - Passed(now))));
    }

    /// <param name="count">Below 0 for less than was counted before.</param>
    public void Add(long count, DateTimeOffset now)
    {
        Slide(now);
        _current = Math.Max(0, _current + count);
    }

    /// <summary>How long until there is room, when nothing more comes.</summary>
    public TimeSpan Wait(long perMinute, DateTimeOffset now)
    {
        Slide(now);
        var passed = Passed(now);
        // What is left of the minute before shrinks until it fits beside this minute's count, or this minute's does in the next one.
        var minutes = _current < perMinute
            ? 1 - ((double)(perMinute - _current) / Math.Max(1, _previous)) - passed
            : 1 - passed + 1 - ((double)perMinute / Math.Max(1, _current));
        return TimeSpan.FromMinutes(Math.Max(0, minutes));
    }

    private void Slide(DateTimeOffset now)
    {
        var minute = Minute(now);
        // A clock that is set back a little must not empty the window.
        if (minute == _minute || minute == _minute - 1)
            return;
        (_previous, _current, _minute) = (minute == _minute + 1 ? _current : 0, 0, minute);
    }

    private double Passed(DateTimeOffset now) =>
        Minute(now) < _minute ? 0 : (double)(now.UtcTicks % TimeSpan.TicksPerMinute) / TimeSpan.TicksPerMinute;

    private static long Minute(DateTimeOffset now) => now.UtcTicks / TimeSpan.TicksPerMinute;
}
