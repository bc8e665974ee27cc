using System.Globalization;
using Demarc.Control.Configuration;
using Demarc.Control.Costs;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Costs;

/// <summary>What finance reads: months, currencies, consumption units, commitments and FOCUS.</summary>
public class FinanceTests
{
    private const long Dollar = 1_000_000_000;

    private static readonly DateOnly Today = new(2026, 11, 22);

    [Theory]
    [InlineData(1, "2026-11-22", "2026-11", "2026-11-01", "2026-12-01")]
    [InlineData(15, "2026-11-14", "2026-10", "2026-10-15", "2026-11-15")]
    [InlineData(15, "2026-11-15", "2026-11", "2026-11-15", "2026-12-15")]
    [InlineData(28, "2027-02-01", "2027-01", "2027-01-28", "2027-02-28")]
    [InlineData(10, "2027-01-09", "2026-12", "2026-12-10", "2027-01-10")]
    public void A_fiscal_month_begins_on_its_day(int start, string day, string month, string from, string to)
    {
        var billing = BillingConfig.Dollars with { FiscalMonthStart = start };
        var named = billing.MonthOf(DateOnly.Parse(day, CultureInfo.InvariantCulture));
        Assert.Equal(month, named.ToString("yyyy-MM", CultureInfo.InvariantCulture));
        var (first, end) = billing.Month(named);
        Assert.Equal((from, to), (first.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), end.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void A_currency_is_dollars_at_the_stated_rate_rounded_once()
    {
        var euros = new BillingConfig("EUR", 920_000_000, 1);
        Assert.Equal(920_000_000, euros.In(Dollar));
        // 0.92 × 3 = 2.76 nano-euros; × 1 = 0.92; both to the nearest.
        Assert.Equal((3, 1, -3), (euros.In(3), euros.In(1), euros.In(-3)));
        Assert.Equal("EUR 1,135.80", euros.Text(1_234_567_890_000));
        // A product far beyond 64 bits.
        Assert.Equal(9_000_000_000_000_000_000 / 100 * 92, euros.In(9_000_000_000_000_000_000));
    }

    [Fact]
    public async Task Consumption_units_are_a_line_for_the_platform()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var store = await place.OpenAsync();
        await SpendAsync(store, new(2026, 11, 20), 1_234_500_000, hour: 3);
        await SpendAsync(store, new(2026, 11, 20), 500_000_000, hour: 3, model: "claude-opus-5");
        await SpendAsync(store, new(2026, 11, 20), Dollar, hour: 4);
        await SpendAsync(store, new(2026, 11, 20), Dollar, platform: "vertex");
        await place.ProjectAsync(store);

        var (from, to) = BillingConfig.Dollars.Month(new(2026, 11, 1));
        // $2.7345 at a cent a unit.
        var month = Assert.Single(await ConsumptionUnits.ListAsync(store, "org_1", from, to, byHour: false));
        Assert.Equal(("foundry", 273.45m), (month.Platform, month.Units));
        Assert.Equal([173.45m, 100m], (await ConsumptionUnits.ListAsync(store, "org_1", from, to, byHour: true)).Select(u => u.Units));
    }

    [Fact]
    public async Task A_commitment_is_drawn_down_and_its_end_foreseen()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var store = await place.OpenAsync();
        // Ten dollars a day for the last 30 days, 100 before, and some that do not count: today's pace, elsewhere, and before it began.
        for (var day = 1; day <= 30; day++)
            await SpendAsync(store, Today.AddDays(-day), 10 * Dollar);
        await SpendAsync(store, new(2026, 9, 1), 100 * Dollar);
        await SpendAsync(store, Today, 5 * Dollar);
        await SpendAsync(store, Today, 77 * Dollar, platform: "vertex");
        await SpendAsync(store, new(2026, 8, 31), 999 * Dollar);
        await place.ProjectAsync(store);

        // Drawn: 300 + 100 + 5 + 50 elsewhere. To the end: 40 days at 10.
        var status = await StatusAsync(new CommitmentConfig("macc", 1000 * Dollar, new(2026, 9, 1), new(2027, 1, 1), ["foundry"], [], 50 * Dollar));
        Assert.Equal((455 * Dollar, 10 * Dollar, 30, 855 * Dollar, null), (status.DrawnNano, status.PerDayNano, status.Days, status.ForecastNano, status.UsedUp));
        // 45 of 500 are left: half a day into the fifth day.
        Assert.Equal(Today.AddDays(5), (await StatusAsync(status.Commitment with { AmountNano = 500 * Dollar })).UsedUp);
        Assert.Equal(Today, (await StatusAsync(status.Commitment with { AmountNano = 400 * Dollar })).UsedUp);
        // By resource; one that has ended; one that has not begun.
        Assert.Equal(405 * Dollar, (await StatusAsync(status.Commitment with { Platforms = [], Resources = ["east"], DrawnElsewhereNano = 0 })).DrawnNano - (77 * Dollar));
        var ended = await StatusAsync(status.Commitment with { Until = new(2026, 10, 1), DrawnElsewhereNano = 0 });
        Assert.Equal((100 * Dollar, 100 * Dollar), (ended.DrawnNano, ended.ForecastNano));
        var ahead = await StatusAsync(status.Commitment with { From = new(2026, 12, 1), DrawnElsewhereNano = 0 });
        Assert.Equal((0, 0, 0), (ahead.DrawnNano, ahead.PerDayNano, ahead.Days));

        Task<CommitmentStatus> StatusAsync(CommitmentConfig commitment) => CommitmentStatus.OfAsync(commitment, store, "org_1", [], Today);
    }

    [Fact]
    public void What_a_spreadsheet_would_run_is_text()
    {
        Assert.Equal("'=1+1,\"'@x, y\",-1.5,'-x,\"a\"\"b\"", Csv.Line(["=1+1", "@x, y", "-1.5", "-x", "a\"b"]));
        Assert.Equal([["a", "b\n,c", ""], ["", "d\"e", "f"]], Csv.Read(new StringReader("a,\"b\n,c\",\r\n\n,\"d\"\"e\",f")));
    }

    internal static async Task SpendAsync(
        Store store, DateOnly day, long nano, int hour = 12, string platform = "foundry", string model = "claude-sonnet-4-6", string organization = "org_1", string actor = "user_1")
    {
        var request = new Conversation(store, organization, actor, at: new DateTimeOffset(day, new TimeOnly(hour, 0), TimeSpan.Zero).ToUnixTimeMilliseconds());
        await request.BeginAsync(platform: platform, model: model);
        await request.FinishAsync(cost: nano);
    }
}
