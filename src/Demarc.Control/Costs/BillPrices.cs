using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>How prices of a bill are told from usage.</summary>
public enum PriceBasis
{
    /// <summary>By the bill's own quantities: what a token costs in both books.</summary>
    Quantities,

    /// <summary>By amounts alone: one factor throughout, and a lower price only.</summary>
    Amounts,
}

/// <summary>What a meter costs in both books, where they differ.</summary>
/// <param name="Factor">The bill's for each dollar of the ledger's.</param>
public sealed record MeterPrice(string Meter, double Factor);

/// <summary>
/// Where the bill's prices differ from the ledger's. With quantities a meter's price is what its tokens cost, whoever used
/// them: usage beside Demarc leaves it as it is. Without, only a factor that most periods share, and that a contract
/// can have, is taken for one.
/// </summary>
internal sealed class BillPrices
{
    private const long Cent = 10_000_000;

    // Fewer periods, or factors further apart than this, are no sign of another price: bypass would look the same.
    private const int FewestPeriods = 3;
    private const double Likeness = 0.005;

    // Quantities that say less of a bill than this leave too much to guess.
    private const double Enough = 0.9;

    private readonly Dictionary<(DateTimeOffset Period, string Meter), long> _ledger = [];
    private readonly Dictionary<string, double> _factors = [];
    private readonly double _throughout = 1;

    /// <param name="periods">Both books by period, with what is known to be bypass.</param>
    /// <param name="metered">The ledger by period and meter; empty where it is not known by meter.</param>
    public BillPrices(ReconciledPeriod[] periods, BillLine[] bill, IEnumerable<MeteredSpend> metered)
    {
        var tokens = new Dictionary<string, (long Tokens, long Nano)>();
        foreach (var (period, meter, count, nano) in metered)
        {
            _ledger[(period, meter)] = _ledger.GetValueOrDefault((period, meter)) + nano;
            var sum = tokens.GetValueOrDefault(meter);
            tokens[meter] = (sum.Tokens + count, sum.Nano + nano);
        }
        var all = bill.Sum(l => (double)l.NanoUsd);
        var quantified = bill.Where(l => l is { Quantity: > 0, Meter: not (null or BillMeters.Units) }).ToArray();
        Basis = tokens.Count > 0 && all > 0 && quantified.Sum(l => (double)l.NanoUsd) >= Enough * all ? PriceBasis.Quantities : PriceBasis.Amounts;
        if (Basis == PriceBasis.Amounts)
        {
            _throughout = Throughout(periods);
            return;
        }
        foreach (var meter in quantified.GroupBy(l => l.Meter!))
        {
            if (tokens.GetValueOrDefault(meter.Key) is { Tokens: > 0, Nano: > 0 } ours)
                _factors[meter.Key] = Compare(meter.Sum(l => (double)l.NanoUsd) / (double)meter.Sum(l => l.Quantity), (double)ours.Nano / ours.Tokens);
        }
    }

    public PriceBasis Basis { get; }

    /// <summary>What the bill charges for a dollar of the ledger's; 1 where no one factor shows.</summary>
    public double Factor => _throughout;

    /// <summary>Meters whose price differs.</summary>
    public MeterPrice[] Meters => [.. _factors.Where(f => f.Value != 1).OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => new MeterPrice(f.Key, f.Value))];

    /// <summary>What of a period's difference is price, nano-dollars.</summary>
    public long Of(ReconciledPeriod period) => Basis == PriceBasis.Amounts
        ? (long)Math.Round((_throughout - 1) * period.LedgerNano)
        : (long)Math.Round(_factors.Sum(f => (f.Value - 1) * _ledger.GetValueOrDefault((period.At, f.Key))));

    // Bills count tokens, thousands or millions of them, and some do not say which: prices lie much closer together than that.
    private static readonly double[] UnitTokens = [1, 1e3, 1e6];

    private static double Compare(double perUnit, double perToken)
    {
        var factor = UnitTokens.Select(unit => perUnit / unit / perToken).MinBy(f => Math.Abs(Math.Log(f)));
        return Math.Abs(factor - 1) <= Likeness ? 1 : factor;
    }

    // The middle one of the factors, where most of them are it. Nobody is charged more than the list or their contract: that is usage.
    private static double Throughout(ReconciledPeriod[] periods)
    {
        var factors = periods.Where(p => p.LedgerNano > Cent && p.BillNano - p.BypassNano > Cent)
            .Select(p => (double)(p.BillNano - p.BypassNano) / p.LedgerNano).Order().ToArray();
        if (factors.Length < FewestPeriods)
            return 1;
        var middle = factors[factors.Length / 2];
        var alike = factors.Count(f => Math.Abs(f - middle) <= Likeness * middle);
        return middle < 1 - Likeness && alike * 3 >= factors.Length * 2 ? middle : 1;
    }
}

/// <summary>What the ledger has of a meter in a period.</summary>
public readonly record struct MeteredSpend(DateTimeOffset Period, string Meter, long Tokens, long Nano);
