using Demarc.Governance.Identity;
using Xunit;

namespace Demarc.Governance.Tests.Identity;

/// <summary>Counts of what strangers try, here and elsewhere.</summary>
public sealed class AttemptTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    private readonly Clock _time = new();

    [Fact]
    public void What_others_count_is_added_to_what_is_counted_here()
    {
        var attempts = new Attempts(5, Window, _time);
        Assert.True(attempts.Take("a"));
        attempts.Hear(new AttemptCount("a", 3, _time.Now + Window));
        Assert.False(attempts.IsSpent("a"));
        Assert.True(attempts.Take("a"));
        Assert.True(attempts.IsSpent("a"));
        Assert.False(attempts.Take("a"));
        Assert.False(attempts.IsSpent("b"));
    }

    [Fact]
    public void Whoever_was_counted_elsewhere_alone_is_spent_too_until_the_window_is_over()
    {
        var attempts = new Attempts(5, Window, _time);
        Assert.True(attempts.IsEmpty);
        attempts.Hear(new AttemptCount("a", 5, _time.Now + Window));
        Assert.False(attempts.IsEmpty);
        Assert.True(attempts.IsSpent("a"));
        _time.Now += Window;
        Assert.False(attempts.IsSpent("a"));
        Assert.True(attempts.Take("a"));
    }

    [Fact]
    public void Others_hear_of_who_tries_again_and_of_each_change_once()
    {
        var attempts = new Attempts(5, Window, _time);
        attempts.Take("mistyped");
        attempts.Take("guesses");
        attempts.Take("guesses");
        Assert.Equal([new AttemptCount("guesses", 2, _time.Now + Window)], attempts.Untold(10));
        Assert.Empty(attempts.Untold(10));
        attempts.Take("guesses");
        Assert.Equal(3, Assert.Single(attempts.Untold(10)).Number);
    }

    [Fact]
    public void A_flood_of_addresses_takes_no_more_memory_than_that()
    {
        var attempts = new Attempts(5, Window, _time);
        for (var i = 0; i < 50_000; i++)
        {
            attempts.Take($"{i}");
            attempts.Take($"{i}");
            attempts.Hear(new AttemptCount($"{i}", 1, _time.Now + Window));
        }
        Assert.InRange(attempts.Untold(int.MaxValue).Length, 1, 20_000);
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
