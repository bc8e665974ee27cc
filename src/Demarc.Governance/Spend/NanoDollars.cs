using System.Globalization;

namespace Demarc.Governance.Spend;

/// <summary>Amounts of money: whole nano-dollars (1 USD = 10^9) in a <see cref="long"/>, up to about 9.2 billion USD.</summary>
public static class NanoDollars
{
    public const long PerDollar = 1_000_000_000;

    private const int Decimals = 9;

    /// <summary>
    /// Reads an amount of dollars such as <c>0.08</c> or <c>500.00</c>: digits, and at most nine more behind a
    /// point. False for signs, exponents, separators, spaces, more decimals, or an amount too large.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> usd, out long nano) => FixedPoint.TryParse(usd, Decimals, out nano);

    /// <summary><c>$1.25</c>: at least two decimals, as many as it takes to be exact.</summary>
    public static string Format(long nano)
    {
        // Int128 because the magnitude of long.MinValue does not fit a long.
        var magnitude = Int128.Abs(nano);
        var fraction = ((long)(magnitude % PerDollar)).ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0').PadRight(2, '0');
        return string.Create(CultureInfo.InvariantCulture, $"{(nano < 0 ? "-" : "")}${magnitude / PerDollar}.{fraction}");
    }
}
