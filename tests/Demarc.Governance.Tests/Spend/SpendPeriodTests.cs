using Demarc.Governance.Spend;
using Xunit;

namespace Demarc.Governance.Tests.Spend;

public sealed class SpendPeriodTests
{
    [Theory]
    [InlineData(LimitPeriod.Daily, "2026-11-22T23:59:59Z", "2026-11-22", "2026-11-23")]
    [InlineData(LimitPeriod.Daily, "2026-11-22T23:59:59-02:00", "2026-11-23", "2026-11-24")]
    [InlineData(LimitPeriod.Weekly, "2026-11-22T23:59:59Z", "2026-11-16", "2026-11-23")]
    [InlineData(LimitPeriod.Weekly, "2026-11-23T00:00:00Z", "2026-11-23", "2026-11-30")]
    [InlineData(LimitPeriod.Weekly, "2027-01-01T12:00:00Z", "2026-12-28", "2027-01-04")]
    [InlineData(LimitPeriod.Monthly, "2027-01-31T23:59:59Z", "2027-01-01", "2027-02-01")]
    [InlineData(LimitPeriod.Monthly, "2028-02-29T00:00:00Z", "2028-02-01", "2028-03-01")]
    [InlineData(LimitPeriod.Monthly, "2026-12-31T23:00:00-01:00", "2027-01-01", "2027-02-01")]
    public void Periods_begin_and_end_at_midnight_in_utc(LimitPeriod kind, string at, string start, string end)
    {
        var period = SpendPeriod.Of(kind, DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal((start, end), ($"{period.Start:yyyy-MM-dd}", $"{period.Reset:yyyy-MM-dd}"));
    }

    [Theory]
    [InlineData("500.00", 500_000_000_000)]
    [InlineData("0", 0)]
    [InlineData("0.01", 10_000_000)]
    [InlineData("9223372036.85", 9_223_372_036_850_000_000)]
    public void Amounts_of_dollars_are_read_to_the_cent(string text, long nano)
    {
        Assert.Null(SpendAmount.ParseUsd(text, out var read));
        Assert.Equal(nano, read);
    }

    [Theory]
    [InlineData("-1", "never negative")]
    [InlineData("0.001", "fraction of a cent")]
    [InlineData("9223372036.86", "too large")]
    [InlineData("99999999999999999999999", "too large")]
    [InlineData("1e3", "no amount")]
    [InlineData("$5", "no amount")]
    [InlineData("", "no amount")]
    [InlineData("1,000", "no amount")]
    [InlineData(".5", "no amount")]
    [InlineData("5.", "no amount")]
    [InlineData("NaN", "no amount")]
    public void Other_amounts_are_refused_with_a_reason(string text, string why)
    {
        Assert.Contains(why, SpendAmount.ParseUsd(text, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_of_data_is_the_persons_else_the_lowest_of_the_groups_else_the_organizations()
    {
        var organization = Stored(StoredScope.Organization, "", null, 100);
        var loose = Stored(StoredScope.Group, "g1", "loose", 90);
        var tight = Stored(StoredScope.Group, "g2", "tight", 50);
        var lifted = Stored(StoredScope.User, "user_1", null, null);
        var all = new[] { organization, loose, tight, lifted };

        Assert.Same(lifted, StoredLimits.Effective(all, LimitPeriod.Monthly, "user_1", ["tight"]));
        Assert.Same(tight, StoredLimits.Effective(all, LimitPeriod.Monthly, "user_2", ["loose", "tight"]));
        Assert.Same(organization, StoredLimits.Effective(all, LimitPeriod.Monthly, "user_2", []));
        Assert.Null(StoredLimits.Effective(all, LimitPeriod.Daily, "user_2", []));
    }

    private static StoredLimit Stored(StoredScope scope, string target, string? group, long? amount) =>
        new("spl_" + target, scope, target, group, LimitPeriod.Monthly, amount, LimitMode.Hard, false, 0, 0);
}
