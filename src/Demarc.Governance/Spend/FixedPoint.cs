namespace Demarc.Governance.Spend;

/// <summary>Decimal strings as scaled integers, without a detour over floating point.</summary>
public static class FixedPoint
{
    /// <summary>The number times 10^<paramref name="decimals"/>; false unless it is exact, unsigned and fits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, int decimals, out long scaled)
    {
        scaled = 0;
        var point = text.IndexOf('.');
        var whole = point < 0 ? text : text[..point];
        var fraction = point < 0 ? default : text[(point + 1)..];
        if (whole.IsEmpty || (point >= 0 && fraction.IsEmpty) || fraction.Length > decimals)
            return false;

        Int128 value = 0;
        if (!Append(whole, ref value) || !Append(fraction, ref value))
            return false;
        for (var i = fraction.Length; i < decimals; i++)
            value *= 10;
        if (value > long.MaxValue)
            return false;
        scaled = (long)value;
        return true;
    }

    private static bool Append(ReadOnlySpan<char> digits, ref Int128 value)
    {
        foreach (var c in digits)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            value = (value * 10) + (c - '0');
            // Stops before the digits that follow could overflow even 128 bits.
            if (value > long.MaxValue)
                return false;
        }
        return true;
    }
}
