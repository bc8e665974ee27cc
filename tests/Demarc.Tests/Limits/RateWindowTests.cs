using Demarc.Proxy.Limits;
using Xunit;

namespace Demarc.Tests.Limits;

public sealed class RateWindowTests
{
    private const long Rate = 10;

    // A minute's start, and a change to daylight saving that is none in UTC.
    private static readonly DateTimeOffset Start = new(2026, 3, 29, 0, 59, 0, TimeSpan.Zero);

    private readonly RateWindow _window = new();

    [Fact]
    public void The_last_minute_counts_as_far_as_it_still_reaches()
    {
        Fill(Start.AddSeconds(30));

        Assert.False(_window.HasRoom(Rate, Start.AddSeconds(59)));
        Assert.Equal(Rate, _window.Count(Start.AddSeconds(60)));
        Assert.Equal(Rate / 2, _window.Count(Start.AddSeconds(90)));
        Assert.Equal(0, _window.Count(Start.AddSeconds(120)));
    }

    [Fact]
    public void After_the_wait_that_it_tells_there_is_room()
    {
        var now = Start.AddSeconds(30);
        Fill(now);

        var wait = _window.Wait(Rate, now);

        Assert.False(_window.HasRoom(Rate, now + wait - TimeSpan.FromSeconds(1)));
        Assert.True(_window.HasRoom(Rate, now + wait + TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_clock_that_is_set_back_a_little_loosens_nothing()
    {
        Fill(Start.AddSeconds(5));

        Assert.False(_window.HasRoom(Rate, Start.AddSeconds(-5)));
        Assert.False(_window.HasRoom(Rate, Start.AddSeconds(10)));
    }

    [Theory]
    [InlineData(-90 * 24)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(90 * 24)]
    public void A_clock_that_steps_far_shuts_nobody_out_for_longer_than_a_minute(int hours)
    {
        Fill(Start);
        var there = Start.AddHours(hours);
        Fill(there);

        Assert.False(_window.HasRoom(Rate, there.AddSeconds(1)));
        Assert.InRange(_window.Wait(Rate, there.AddSeconds(1)), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
        Assert.True(_window.HasRoom(Rate, there.AddMinutes(2)));
    }

    private void Fill(DateTimeOffset now)
    {
        for (var i = 0; i < Rate; i++)
            _window.Add(1, now);
    }
}
