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
    [InlineData(LimitPeriod.Monthly, "2027-02-28T23:59:59.9999999Z", "2027-02-01", "2027-03-01")]
    // The hour that New York skips in spring, and the one that it has twice in autumn.
    [InlineData(LimitPeriod.Daily, "2026-03-08T01:59:59-05:00", "2026-03-08", "2026-03-09")]
    [InlineData(LimitPeriod.Daily, "2026-03-08T03:00:00-04:00", "2026-03-08", "2026-03-09")]
    [InlineData(LimitPeriod.Monthly, "2026-10-31T20:30:00-04:00", "2026-11-01", "2026-12-01")]
    [InlineData(LimitPeriod.Weekly, "2026-11-01T01:30:00-04:00", "2026-10-26", "2026-11-02")]
    [InlineData(LimitPeriod.Weekly, "2026-11-01T01:30:00-05:00", "2026-10-26", "2026-11-02")]
    public void Periods_begin_and_end_at_midnight_in_utc(LimitPeriod kind, string at, string start, string end)
    {
        var period = SpendPeriod.Of(kind, DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal((start, end), ($"{period.Start:yyyy-MM-dd}", $"{period.Reset:yyyy-MM-dd}"));
    }

    [Fact]
    public void Every_hour_of_leap_years_and_others_is_in_one_period_and_days_have_24_of_them()
    {
        foreach (var kind in Enum.GetValues<LimitPeriod>())
        {
            var period = SpendPeriod.Of(kind, new(2027, 12, 31, 23, 0, 0, TimeSpan.Zero));
            for (var at = new DateTimeOffset(2027, 12, 31, 23, 0, 0, TimeSpan.Zero); at.Year < 2029; at = at.AddHours(1))
            {
                var next = SpendPeriod.Of(kind, at);
                Assert.True(next == period || (next.Start == period.End && at == period.Reset), $"{kind} {at:O}");
                Assert.True(next.Contains(at) && (kind != LimitPeriod.Daily || next.Reset - new DateTimeOffset(next.Start.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero) == TimeSpan.FromHours(24)));
                period = next;
            }
        }
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
