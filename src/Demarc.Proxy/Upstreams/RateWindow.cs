namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Requests a minute, by a window that slides: those of the minute before count as far as it still reaches into the last 60
/// seconds. Not thread-safe: its owner locks.
/// </summary>
internal sealed class RateWindow
{
    private long _minute;
    private int _current;
    private int _previous;

    public bool TryTake(int perMinute, DateTimeOffset now)
    {
        var minute = now.UtcTicks / TimeSpan.TicksPerMinute;
        if (minute != _minute)
            (_previous, _current, _minute) = (minute == _minute + 1 ? _current : 0, 0, minute);
        var passed = (double)(now.UtcTicks % TimeSpan.TicksPerMinute) / TimeSpan.TicksPerMinute;
        if (_current + (_previous * (1 - passed)) >= perMinute)
            return false;
        _current++;
        return true;
    }
}
