using Demarc.Control.Costs;
using Demarc.Storage.Ledger;
using Xunit;

namespace Demarc.Tests.Costs;

/// <summary>Bills as the clouds export them, against a ledger. Amounts are nano-dollars: a dollar is 10^9.</summary>
public class ReconciliationTests
{
    private const long Dollar = 1_000_000_000;

    private static readonly DateTimeOffset Start = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Books_that_agree_differ_by_rounding_alone()
    {
        var found = Of([Bill(0, 10 * Dollar + 3_000_000), Bill(1, 20 * Dollar - 4_000_000)], [Ledger(0, 10 * Dollar), Ledger(1, 20 * Dollar)]);

        Assert.Equal([3_000_000L, -4_000_000], found.Periods.Select(p => p.RoundingNano));
        Assert.All(found.Periods, p => Assert.Equal(p.DifferenceNano, p.RoundingNano));
    }

    [Fact]
    public void What_only_the_provider_saw_is_bypass()
    {
        var found = Of([Bill(0, 10 * Dollar), Bill(1, 25 * Dollar), Bill(2, 7 * Dollar)], [Ledger(0, 10 * Dollar), Ledger(1, 20 * Dollar)]);

        Assert.Equal([0L, 5 * Dollar, 7 * Dollar], found.Periods.Select(p => p.BypassNano));
    }

    [Fact]
    public void Lines_that_come_late_are_moved_back_to_where_they_were_used()
    {
        // Ten dollars of hour 0 stand in hours 1 and 30; what stands there beyond them is bypass.
        var found = Of(
            [Bill(0, 5 * Dollar), Bill(1, 14 * Dollar), Bill(30, 9 * Dollar)],
            [Ledger(0, 15 * Dollar), Ledger(1, 10 * Dollar), Ledger(30, 2 * Dollar)]);

        Assert.Equal([-10 * Dollar, 4 * Dollar, 6 * Dollar], found.Periods.Select(p => p.LateNano));
        Assert.Equal([0L, 0, Dollar], found.Periods.Select(p => p.BypassNano));
    }

    [Fact]
    public void Nothing_is_late_by_more_than_two_days()
    {
        var found = Of([Bill(0, 5 * Dollar), Bill(49, 15 * Dollar), Bill(200, 1 * Dollar)], [Ledger(0, 15 * Dollar), Ledger(49, 5 * Dollar), Ledger(200, 1 * Dollar)]);

        Assert.Equal([0L, 0, 0], found.Periods.Select(p => p.LateNano));
        Assert.Equal((-10 * Dollar, 10 * Dollar), (found.Periods[0].UnbilledNano, found.Periods[1].BypassNano));
    }

    [Fact]
    public void Calls_that_broke_off_explain_as_much_as_was_settled_for_them()
    {
        // The ledger has 2 dollars of incomplete calls in the hour, and the bill 5 more than it.
        var found = Of([Bill(0, 15 * Dollar), Bill(1, 10 * Dollar)], [Ledger(0, 10 * Dollar, incomplete: 2 * Dollar), Ledger(1, 10 * Dollar)]);

        Assert.Equal((2 * Dollar, 3 * Dollar), (found.Periods[0].IncompleteNano, found.Periods[0].BypassNano));
    }

    [Fact]
    public void One_factor_throughout_is_a_price_and_what_goes_beyond_it_is_not()
    {
        // 12 % less everywhere, and 4 dollars too many in hour 3.
        var found = Of(
            [Bill(0, 88 * Dollar), Bill(1, 44 * Dollar), Bill(2, 176 * Dollar), Bill(3, (88 + 4) * Dollar), Bill(4, 880 * Dollar)],
            [Ledger(0, 100 * Dollar), Ledger(1, 50 * Dollar), Ledger(2, 200 * Dollar), Ledger(3, 100 * Dollar), Ledger(4, 1000 * Dollar)]);

        Assert.Equal(0.88, found.PriceFactor, 6);
        Assert.Equal([-12 * Dollar, -6 * Dollar, -24 * Dollar, -12 * Dollar, -120 * Dollar], found.Periods.Select(p => p.PriceNano));
        Assert.Equal([0L, 0, 0, 4 * Dollar, 0], found.Periods.Select(p => p.BypassNano));
    }

    [Fact]
    public void Bypass_that_comes_and_goes_is_no_price()
    {
        var found = Of(
            [Bill(0, 15 * Dollar), Bill(1, 11 * Dollar), Bill(2, 30 * Dollar), Bill(3, 12 * Dollar)],
            [Ledger(0, 10 * Dollar), Ledger(1, 10 * Dollar), Ledger(2, 10 * Dollar), Ledger(3, 10 * Dollar)]);

        Assert.Equal(1, found.PriceFactor);
        Assert.Equal(28 * Dollar, found.Periods.Sum(p => p.BypassNano));
    }

    [Fact]
    public void Usage_beside_that_is_always_the_same_share_is_no_price_above_the_list()
    {
        var found = Of(
            [.. Enumerable.Range(0, 10).Select(h => Bill(h, 115 * Dollar))],
            [.. Enumerable.Range(0, 10).Select(h => Ledger(h, 100 * Dollar))]);

        Assert.Equal(1, found.PriceFactor);
        Assert.Equal(150 * Dollar, found.Periods.Sum(p => p.BypassNano));
    }

    [Fact]
    public void What_the_bill_may_not_have_yet_is_told_from_what_it_should()
    {
        var found = Of([Bill(0, Dollar), Bill(200, Dollar)], [Ledger(0, Dollar), Ledger(100, 3 * Dollar), Ledger(199, 2 * Dollar), Ledger(200, Dollar)]);

        Assert.Equal((-3 * Dollar, -2 * Dollar), (found.Periods[1].UnbilledNano, found.Periods[2].PendingNano));
    }

    [Fact]
    public void Explanations_always_add_up_to_the_difference()
    {
        // Whatever the books say: a walk over many of them, the same each time.
        var seed = 12345u;
        for (var run = 0; run < 200; run++)
        {
            var bill = Enumerable.Range(0, 60).Where(_ => Next(4) > 0).Select(h => Bill(h, Next(3) == 0 ? -Next(100_000_000) : (long)Next(1000) * 20_000_000)).ToArray();
            var ledger = Enumerable.Range(0, 60).Where(_ => Next(4) > 0).Select(h => Ledger(h, (long)Next(1000) * 20_000_000, Next(3) == 0 ? Next(50_000_000) : 0)).ToArray();
            var found = Reconciliation.Of(new ProviderBill(bill, true, 0), ledger, [], line => line.NanoUsd % 3 != 0);
            Assert.All(found.Periods, p => Assert.Equal(
                p.DifferenceNano, p.PriceNano + p.RoundingNano + p.LateNano + p.IncompleteNano + p.PendingNano + p.BypassNano + p.UnbilledNano));
            Assert.Equal(0, found.Periods.Sum(p => p.LateNano));
        }

        int Next(int below) => (int)((seed = (seed * 1_664_525) + 1_013_904_223) >> 8) % below;
    }

    [Theory]
    [InlineData("azure", "Date,MeterCategory,ProductName,ResourceId,CostInBillingCurrency,BillingCurrency\n11/02/2026,SaaS,Claude in Microsoft Foundry,/x,12.34,USD\n11/02/2026,Storage,Blob,/y,1,USD\n", "2026-11-02T00:00:00Z", 12_340_000_000)]
    [InlineData("azure", "\uFEFFdate,productName,costInUsd,costInBillingCurrency,billingCurrency\n2026-11-02,\"Claude, in Foundry\",1.5E-05,9,SEK\n", "2026-11-02T00:00:00Z", 15_000)]
    [InlineData("aws", "lineItem/UsageStartDate,lineItem/ProductCode,lineItem/LineItemDescription,lineItem/UnblendedCost,lineItem/CurrencyCode\n2026-11-02T13:00:00Z,AmazonBedrock,Anthropic Claude Sonnet 4.6 input,0.0000030000,USD\n", "2026-11-02T13:00:00Z", 3_000)]
    [InlineData("aws", "line_item_usage_start_date,line_item_product_code,line_item_usage_type,line_item_unblended_cost\n2026-11-02T13:00:00.000Z,bedrock,USE1-Claude-CCU,\"7\"\n2026-11-02T13:00:00.000Z,bedrock,USE1-Nova,5\n", "2026-11-02T13:00:00Z", 7_000_000_000)]
    [InlineData("google", "service.description,sku.description,usage_start_time,cost,currency\r\nVertex AI,\"Claude \"\"Sonnet\"\" 4.6 Input\",2026-11-02 13:00:00 UTC,-0.25,USD\r\n", "2026-11-02T13:00:00Z", -250_000_000)]
    [InlineData("google", "ChargePeriodStart,BilledCost,BillingCurrency,ServiceName,PublisherName,ResourceId\n2026-11-02T13:00:00Z,4.6,EUR,Claude,Anthropic,r\n", "2026-11-02T13:00:00Z", 5_000_000_000)]
    public void A_bill_is_read_as_its_provider_exports_it(string provider, string csv, string at, long nano)
    {
        // 0.92 euros are a dollar.
        var bill = ProviderBill.Read(new StringReader(csv.TrimStart('\uFEFF')), provider, "EUR", 920_000_000);

        var line = Assert.Single(bill.Lines);
        Assert.Equal((DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture), nano), (line.At, line.NanoUsd));
        Assert.Equal(!at.Contains("T00", StringComparison.Ordinal), bill.IsHourly);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("a,b\n1,2\n", "no column for the time")]
    [InlineData("Date,MeterCategory\n", "no column for the cost")]
    [InlineData("Date,MeterCategory,costInUsd\nyesterday,Claude,1\n", "Line 2: \"yesterday\" is no time")]
    [InlineData("Date,MeterCategory,costInUsd\n2026-11-02,Claude,one\n", "Line 2: \"one\" is no amount")]
    [InlineData("Date,MeterCategory,costInUsd\n2026-11-02,Claude,1e30\n", "is no amount")]
    [InlineData("Date,MeterCategory,Cost,BillingCurrency\n2026-11-02,Claude,1,SEK\n", "Line 2 is in SEK")]
    public void What_is_no_bill_is_refused(string csv, string why) =>
        Assert.Contains(why, Assert.Throws<BillException>(() => ProviderBill.Read(new StringReader(csv), "azure", "USD", Dollar)).Message, StringComparison.Ordinal);

    private static Reconciliation Of(BillLine[] bill, SpendLine[] ledger) => Reconciliation.Of(new ProviderBill(bill, true, 0), ledger, [], _ => true);

    private static BillLine Bill(int hour, long nano) => new(Start.AddHours(hour), nano, "", "Claude");

    private static SpendLine Ledger(int hour, long nano, long incomplete = 0) =>
        new() { At = Start.AddHours(hour).ToUnixTimeMilliseconds(), NanoUsd = nano, IncompleteNanoUsd = incomplete };
}
