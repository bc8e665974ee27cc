using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Governance.Tests.Evidence;

public sealed class SessionTipsTests
{
    private readonly SessionTips _tips = new();
    private readonly Guid _first = Guid.CreateVersion7();

    [Fact]
    public void The_next_turn_builds_on_the_one_before()
    {
        _tips.Remember("s", null, _first, 1, [10, 11]);
        Assert.Equal(new Continuation(_first, 2, 2, SystemIsNew: false), _tips.Find("s", 1, [10, 11, 12]));
    }

    [Fact]
    public void A_rewritten_history_shows_as_a_shorter_prefix()
    {
        _tips.Remember("s", null, _first, 1, [10, 11, 12, 13]);
        Assert.Equal(new Continuation(_first, 1, 4, SystemIsNew: true), _tips.Find("s", 2, [10, 99]));
    }

    [Fact]
    public void A_side_conversation_does_not_disturb_the_main_one()
    {
        _tips.Remember("s", null, _first, 1, [10, 11]);
        _tips.Remember("s", null, Guid.CreateVersion7(), 2, [50, 51]);
        Assert.Equal(_first, _tips.Find("s", 1, [10, 11, 12]).Parent);
        Assert.Null(_tips.Find("s", 1, [77]).Parent);
    }

    [Fact]
    public void Sessions_are_apart_and_named_under_keys_of_their_own()
    {
        _tips.Remember("s", null, _first, 1, [10]);
        Assert.Null(_tips.Find("t", 1, [10]).Parent);
        Assert.Same(_tips.NamesOf("s"), _tips.NamesOf("s"));
        Assert.NotEqual(_tips.NamesOf("s").Identify("a"u8), _tips.NamesOf("t").Identify("a"u8));
    }

    [Fact]
    public void Memory_is_bounded_and_the_longest_unused_goes_first()
    {
        var tips = new SessionTips(maxSessions: 2);
        tips.Remember("a", null, _first, 1, [1]);
        tips.Remember("b", null, _first, 1, [1]);
        tips.Remember("a", _first, _first, 1, [1]);
        tips.Remember("c", null, _first, 1, [1]);
        Assert.Null(tips.Find("b", 1, [1]).Parent);
        Assert.NotNull(tips.Find("a", 1, [1]).Parent);
    }
}
