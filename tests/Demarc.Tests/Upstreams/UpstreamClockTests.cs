using Demarc.Proxy.Upstreams;
using Xunit;

namespace Demarc.Tests.Upstreams;

public sealed class UpstreamClockTests
{
    private static readonly DateTimeOffset s_real = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly UpstreamClock _clock = new();

    [Fact]
    public void A_clock_that_was_set_right_is_no_longer_said_to_be_wrong()
    {
        for (var n = 0; n < 9; n++)
            Answer(n, ahead: TimeSpan.FromDays(1));
        Assert.Equal(TimeSpan.FromDays(1), _clock.Skew);

        for (var n = 9; n < 18; n++)
            Answer(n, ahead: TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, _clock.Skew);
    }

    [Fact]
    public void Of_many_answers_one_in_ten_seconds_counts()
    {
        Answer(0, TimeSpan.Zero);
        using var soon = new HttpResponseMessage { Headers = { Date = s_real } };
        _clock.Observe(soon, s_real.AddSeconds(9));
        Assert.Equal(TimeSpan.Zero, _clock.Skew);
    }

    // The n-th answer, ten seconds after the one before, by a clock that is so far ahead.
    private void Answer(int n, TimeSpan ahead)
    {
        var at = s_real.AddSeconds(10 * n);
        using var response = new HttpResponseMessage { Headers = { Date = at } };
        _clock.Observe(response, at + ahead);
    }
}
