using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Xunit;

namespace Demarc.Governance.Tests.Spend;

public sealed class EscrowTests
{
    private const long Cap = 1000;

    private readonly LeasedBudgets _store = new();

    [Fact]
    public async Task Of_many_that_fit_one_at_a_time_each_is_served_as_soon_as_the_one_before_ends()
    {
        var escrow = new Escrow(_store.Of("a"), TimeProvider.System);
        var (limits, started) = (Limits(), TimeProvider.System.GetTimestamp());

        await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            var hold = await escrow.OpenAsync(limits, TimeProvider.System.GetUtcNow(), _ => true);
            Assert.Null(await hold.BeginAsync(700, 700, TestContext.Current.CancellationToken));
            await Task.Yield();
            hold.Settle(1, "r");
        }));

        // A wake that was lost would show as a wait of whole seconds.
        Assert.True(TimeProvider.System.GetElapsedTime(started) < Escrow.Patience, $"{TimeProvider.System.GetElapsedTime(started)}");
    }

    [Fact]
    public async Task What_another_replica_holds_is_waited_for_and_what_it_does_not_use_is_called_back()
    {
        var (a, b) = (Place("a"), Place("b"));
        var first = await BeginAsync(a.Escrow, 600);
        var waiting = BeginAsync(b.Escrow, 600);
        Assert.False(waiting.IsCompleted);
        first.Settle(10, "r");
        _store.Settle("a", 10);

        // The recall reaches the other one with its next look at the store.
        while (!waiting.IsCompleted)
        {
            await a.Follower.FollowAsync();
            await Task.Yield();
        }

        Assert.Equal(600, (await waiting).Amount);
        Assert.True(_store.Settled + _store.Leased("a") + _store.Leased("b") <= Cap);
    }

    [Fact]
    public async Task What_does_not_fit_whoever_ends_is_refused_at_once()
    {
        var a = Place("a");
        var held = await BeginAsync(a.Escrow, 500);
        held.Settle(500, "r");

        var hold = await a.Escrow.OpenAsync(Limits(), TimeProvider.System.GetUtcNow(), _ => true);
        var shortage = await hold.BeginAsync(501, 501, TestContext.Current.CancellationToken);

        Assert.Equal((ShortageKind.Reached, 500), (shortage!.Kind, shortage.LeftNano));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task After_an_answer_dearer_than_what_was_leased_what_is_left_still_fits(bool isFollowed)
    {
        var a = Place("a");
        (await BeginAsync(a.Escrow, 100)).Settle(900, "r");
        if (isFollowed)
            _store.Settle("a", 900);

        var hold = await BeginAsync(a.Escrow, 100);

        Assert.Equal(100, hold.Amount);
        var more = await a.Escrow.OpenAsync(Limits(), TimeProvider.System.GetUtcNow(), _ => true);
        Assert.Equal(ShortageKind.Held, (await more.BeginAsync(1, 1, TestContext.Current.CancellationToken, waits: false))!.Kind);
        hold.Settle(100, "r");
        Assert.Equal(ShortageKind.Reached, (await more.BeginAsync(1, 1, TestContext.Current.CancellationToken))!.Kind);
    }

    [Fact]
    public async Task While_an_ended_lease_is_not_free_the_store_is_asked_now_and_then_and_no_more()
    {
        var escrow = new Escrow(_store.Of("a"), TimeProvider.System);
        (await BeginAsync(escrow, 100)).Settle(100, "r");
        _store.End("a");
        var asked = _store.Asked;

        var waiting = BeginAsync(escrow, 950 - 100);
        Assert.False(waiting.IsCompleted);
        _store.Settle("a", 100);
        _store.Free("a");

        Assert.Equal(850, (await waiting).Amount);
        Assert.InRange(_store.Asked - asked, 2, 10);
    }

    [Fact]
    public async Task A_lease_that_others_took_back_is_not_spent_again_whichever_clock_stood_still()
    {
        var time = new SteppedClock();
        var escrow = new Escrow(_store.Of("a"), time);
        var first = await BeginAsync(escrow, 900);
        first.LowerTo(100);
        // Taken for dead: its lease ended and was given to another one.
        _store.End("a");
        _store.Free("a");
        var other = await BeginAsync(Place("b").Escrow, 900);

        time.Suspend(TimeSpan.FromMinutes(2));
        var hold = await escrow.OpenAsync(Limits(), time.GetUtcNow(), _ => true);
        var shortage = await hold.BeginAsync(500, 500, TestContext.Current.CancellationToken);

        Assert.Equal((ShortageKind.Held, 900), (shortage!.Kind, other.Amount));
        Assert.Equal(ShortageKind.Unavailable, (await first.RaiseAsync(200, TestContext.Current.CancellationToken))!.Kind);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-90 * 24)]
    [InlineData(1)]
    [InlineData(90 * 24)]
    public async Task A_clock_that_steps_neither_loosens_a_limit_nor_refuses_what_fits(int hours)
    {
        var time = new SteppedClock();
        var escrow = new Escrow(_store.Of("a"), time);
        var first = await BeginAsync(escrow, 600);
        // What began before the step counts in the period in which it began.
        var november = first.Limits[0].Budget.Meter;

        time.Suspend(TimeSpan.FromHours(hours));
        Assert.Null(await first.RaiseAsync(700, TestContext.Current.CancellationToken));
        var hold = await escrow.OpenAsync(Limits(), TimeProvider.System.GetUtcNow(), _ => true);
        Assert.Equal(ShortageKind.Held, (await hold.BeginAsync(400, 400, TestContext.Current.CancellationToken, waits: false))!.Kind);
        Assert.Null(await hold.BeginAsync(300, 300, TestContext.Current.CancellationToken));

        first.Settle(700, "r");
        Assert.Equal((november.Id, 700L), (hold.Limits[0].Budget.Meter.Id, hold.Limits[0].Use.SpentNano));
    }

    [Fact]
    public async Task A_limit_that_was_lowered_holds_for_what_was_leased_before()
    {
        var a = Place("a");
        (await BeginAsync(a.Escrow, 900)).Settle(300, "r");
        _store.Settle("a", 300);

        var hold = await a.Escrow.OpenAsync(Limits(cap: 400), TimeProvider.System.GetUtcNow(), _ => true);

        Assert.Equal(ShortageKind.Reached, (await hold.BeginAsync(200, 200, TestContext.Current.CancellationToken))!.Kind);
        Assert.Null(await hold.BeginAsync(100, 100, TestContext.Current.CancellationToken));
    }

    private (Escrow Escrow, LeaseFollower Follower) Place(string replica)
    {
        var escrow = new Escrow(_store.Of(replica), TimeProvider.System);
        return (escrow, new LeaseFollower(escrow, _store.Of(replica), TimeProvider.System));
    }

    private static async Task<SpendHold> BeginAsync(Escrow escrow, long nano)
    {
        var hold = await escrow.OpenAsync(Limits(), TimeProvider.System.GetUtcNow(), _ => true);
        Assert.Null(await hold.BeginAsync(nano, nano, TestContext.Current.CancellationToken));
        return hold;
    }

    /// <summary>The monotonic clock stands still while the machine is suspended; the other one does not.</summary>
    private sealed class SteppedClock : TimeProvider
    {
        private TimeSpan _ahead;

        public void Suspend(TimeSpan by) => _ahead += by;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _ahead;
    }

    private static AppliedLimits Limits(long cap = Cap, LimitMode mode = LimitMode.Hard) =>
        new([new AppliedLimit(new SpendLimit("x", LimitScope.Organization, LimitPeriod.Monthly, cap, mode), Person)]);

    private static readonly Principal Person = new()
    {
        OrganizationId = "org_1",
        Type = "user",
        Id = "user_1",
        Name = "Ada",
        Groups = [],
        KeyId = "apikey_1",
        KeyKind = ApiKeyKind.Inference,
    };
}
