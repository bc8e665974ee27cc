using Demarc.Governance.Policy;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

public sealed class RateShareTests
{
    private static RateLimit Requests(int most) => new(most, null, null);

    private static RateAmounts Amount(long requests) => new(requests, 0, 0);

    [Theory]
    // All of 120 is free: what is needed, and a slack of an eighth.
    [InlineData(120, 0, 0, 16)]
    // 20 are left: what is needed, and a quarter of the rest.
    [InlineData(120, 60, 40, 65)]
    // One is left.
    [InlineData(120, 60, 59, 61)]
    [InlineData(120, 60, 60, 60)]
    // Tokens are counted when they are used: more than there is may have been.
    [InlineData(120, 90, 60, 90)]
    [InlineData(2, 0, 0, 1)]
    [InlineData(2, 1, 1, 1)]
    public void Who_is_short_takes_what_it_needs_and_a_little_more(int limit, long used, long others, long part) =>
        Assert.Equal(Amount(part), RateShare.Of(Requests(limit), Amount(used), Amount(others)));

    [Theory]
    [InlineData(120, 30, 100, false, 45)]
    [InlineData(120, 30, 50, false, 50)]
    [InlineData(120, 30, 100, true, 30)]
    [InlineData(120, 0, 10, true, 0)]
    [InlineData(120, 0, 10, false, 10)]
    [InlineData(120, 30, 20, false, 30)]
    [InlineData(120, 30, long.MaxValue, false, 45)]
    [InlineData(2, 0, 1, false, 0)]
    public void What_is_not_used_is_given_back_but_for_a_little(int limit, long used, long part, bool isIdle, long kept) =>
        Assert.Equal(Amount(kept), RateShare.Keep(Requests(limit), Amount(used), Amount(part), isIdle));

    /// <summary>Replicas that take, use, give back and let a minute pass, in any order: never more than the rate, and none of it out of reach.</summary>
    [Fact]
    public void Parts_never_come_to_more_than_the_rate() => Prop.ForAll<PositiveInt, (byte, byte)[]>(Hold).QuickCheckThrowOnFailure();

    private static void Hold(PositiveInt limit, (byte Replica, byte Step)[] steps)
    {
        var rate = Requests((limit.Get % 200) + 1);
        var (used, parts) = (new long[3], new long[3]);
        foreach (var (replica, step) in steps)
        {
            var at = replica % 3;
            switch (step % 4)
            {
                case 0 or 1 when used[at] < parts[at]:
                    used[at]++;
                    break;
                case 0 or 1:
                    parts[at] = RateShare.Of(rate, Amount(used[at]), Amount(parts.Sum() - parts[at])).Requests;
                    Assert.True(parts[at] > used[at] || parts.Sum() == rate.RequestsPerMinute, "nothing is given though something is free");
                    break;
                case 2:
                    parts[at] = RateShare.Keep(rate, Amount(used[at]), Amount(parts[at]), isIdle: step % 8 == 2).Requests;
                    break;
                default:
                    used[at] /= 2;
                    break;
            }
            Assert.InRange(parts.Sum(), 0, rate.RequestsPerMinute!.Value);
        }
    }
}
