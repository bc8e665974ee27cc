namespace Demarc.Governance.Spend;

/// <summary>Where a limit stands.</summary>
public readonly record struct SpendUse(long SpentNano, long AmountNano)
{
    /// <summary>Parts of ten thousand; a limit of nothing is used up.</summary>
    public long PerMyriad => AmountNano <= 0 ? Whole
        : SpentNano <= long.MaxValue / Whole ? Math.Min(int.MaxValue, SpentNano * Whole / AmountNano)
        : (long)Int128.Min(int.MaxValue, (Int128)SpentNano * Whole / AmountNano);

    /// <summary>95 or 75 once past it; 0 below (source: Claude apps gateway spend limits, "Usage warnings").</summary>
    public int Threshold => PerMyriad >= 9500 ? 95 : PerMyriad >= 7500 ? 75 : 0;

    /// <summary>Whole percents, rounded down.</summary>
    public int Percent => (int)Math.Min(PerMyriad / 100, int.MaxValue);

    private const long Whole = 10_000;
}
