using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>An hour or a day of both books. Amounts are nano-dollars; what explains a difference adds up to it.</summary>
public sealed record ReconciledPeriod(DateTimeOffset At)
{
    public long BillNano { get; set; }

    public long LedgerNano { get; set; }

    /// <summary>What of the ledger's is of calls whose usage the provider did not finish reporting.</summary>
    public long IncompleteLedgerNano { get; set; }

    public int BillLines { get; set; }

    /// <summary>What the bill has more than the ledger.</summary>
    public long DifferenceNano => BillNano - LedgerNano;

    /// <summary>The bill's prices are not those of the ledger.</summary>
    public long PriceNano { get; set; }

    /// <summary>Up to a cent for each line of the bill.</summary>
    public long RoundingNano { get; set; }

    /// <summary>Billed in a later period than it was used in.</summary>
    public long LateNano { get; set; }

    /// <summary>Settled from what was seen, where the provider knows the whole.</summary>
    public long IncompleteNano { get; set; }

    /// <summary>In the ledger, and so recent that the bill may not have it yet.</summary>
    public long PendingNano { get; set; }

    /// <summary>Usage that only the provider saw.</summary>
    public long BypassNano { get; set; }

    /// <summary>In the ledger, and in no bill.</summary>
    public long UnbilledNano { get; set; }

    internal long Left => DifferenceNano - PriceNano - RoundingNano - LateNano - IncompleteNano - PendingNano - BypassNano - UnbilledNano;
}

/// <summary>
/// Holds a provider's bill against the ledger, period by period, and says what a difference is. Each explanation takes what
/// it can of what the ones before it left: price (<see cref="BillPrices"/>), rounding, late lines, incomplete calls. What the bill has
/// beyond them was not seen here.
/// </summary>
public sealed class Reconciliation
{
    private const long Cent = 10_000_000;

    // Marketplaces meter by the hour and deliver within a day or two (source: Azure and AWS, timeliness of cost data).
    private static readonly TimeSpan Lateness = TimeSpan.FromHours(48);
    private static readonly TimeSpan Delivery = TimeSpan.FromHours(72);

    private Reconciliation(ReconciledPeriod[] periods, BillPrices prices, BillLine[] strangers)
    {
        (Periods, Strangers) = (periods, strangers);
        (PriceFactor, Basis, Prices) = (prices.Factor, prices.Basis, prices.Meters);
    }

    /// <summary>Every period that either book has, in order.</summary>
    public ReconciledPeriod[] Periods { get; }

    /// <summary>What the bill charges for a dollar of the ledger's; 1 where no one factor shows.</summary>
    public double PriceFactor { get; }

    /// <summary>How prices were told from usage.</summary>
    public PriceBasis Basis { get; }

    /// <summary>By <see cref="PriceBasis.Quantities"/>: the meters whose price differs.</summary>
    public MeterPrice[] Prices { get; }

    /// <summary>Lines of resources that the configuration does not have: all of them are bypass.</summary>
    public BillLine[] Strangers { get; }

    /// <param name="ledger">Lines by the bill's periods.</param>
    /// <param name="metered">The same by meter; empty where the bill has none.</param>
    /// <param name="isKnown">Whether a line's resource is one of the configuration's, as far as its name says.</param>
    public static Reconciliation Of(ProviderBill bill, IEnumerable<SpendLine> ledger, IEnumerable<MeteredSpend> metered, Func<BillLine, bool> isKnown)
    {
        // 1. Both books, by period.
        var periods = new SortedDictionary<DateTimeOffset, ReconciledPeriod>();
        foreach (var line in bill.Lines)
        {
            var period = Period(line.At);
            period.BillNano += line.NanoUsd;
            period.BillLines++;
        }
        foreach (var line in ledger)
        {
            var period = Period(DateTimeOffset.FromUnixTimeMilliseconds(line.At));
            period.LedgerNano += line.NanoUsd;
            period.IncompleteLedgerNano += line.IncompleteNanoUsd;
        }
        ReconciledPeriod[] all = [.. periods.Values];

        // 2. What was never sent through here, by its name.
        var strangers = Array.FindAll(bill.Lines, line => !isKnown(line));
        foreach (var line in strangers)
            Period(line.At).BypassNano += line.NanoUsd;

        // 3. What explains the rest, in the order in which it takes.
        var prices = new BillPrices(all, Array.FindAll(bill.Lines, isKnown.Invoke), metered.Select(m => m with { Period = Period(m.Period).At }));
        foreach (var period in all)
        {
            period.PriceNano = prices.Of(period);
            Round(period);
        }
        Late(all);
        foreach (var period in all)
        {
            period.IncompleteNano = Within(period.Left, period.IncompleteLedgerNano);
            Round(period);
        }
        var newest = bill.Lines.Length == 0 ? DateTimeOffset.MinValue : bill.Lines.Max(l => l.At);
        foreach (var period in all.Where(p => p.Left != 0))
        {
            if (period.Left > 0)
                period.BypassNano += period.Left;
            else if (period.At > newest - Delivery)
                period.PendingNano = period.Left;
            else
                period.UnbilledNano = period.Left;
        }
        return new(all, prices, strangers);

        ReconciledPeriod Period(DateTimeOffset at)
        {
            var start = new DateTimeOffset(at.Year, at.Month, at.Day, bill.IsHourly ? at.Hour : 0, 0, 0, TimeSpan.Zero);
            if (!periods.TryGetValue(start, out var period))
                periods[start] = period = new ReconciledPeriod(start);
            return period;
        }
    }

    private static void Round(ReconciledPeriod period)
    {
        // Only what is nothing but rounding: the last cent of a larger difference belongs to its cause.
        if (period.RoundingNano == 0 && Math.Abs(period.Left) <= Cent * Math.Max(1, period.BillLines))
            period.RoundingNano = period.Left;
    }

    // What a period has too little of may stand in a later one.
    private static void Late(ReconciledPeriod[] periods)
    {
        var waiting = new Queue<(ReconciledPeriod Period, long Nano)>();
        foreach (var period in periods)
        {
            var surplus = period.Left;
            while (surplus > 0 && waiting.TryPeek(out var earlier))
            {
                waiting.Dequeue();
                if (period.At - earlier.Period.At > Lateness)
                    continue;
                var moved = Math.Min(surplus, earlier.Nano);
                earlier.Period.LateNano -= moved;
                period.LateNano += moved;
                surplus -= moved;
                if (earlier.Nano > moved)
                {
                    // The rest of it goes on waiting, ahead of what came after it.
                    waiting = new([(earlier.Period, earlier.Nano - moved), .. waiting]);
                }
            }
            if (period.Left < 0)
                waiting.Enqueue((period, -period.Left));
        }
    }

    private static long Within(long difference, long bound) => Math.Clamp(difference, -bound, bound);
}
