namespace Demarc.Governance.Spend;

/// <summary>Amounts of limits as people write them, and why one cannot be used.</summary>
public static class SpendAmount
{
    private const long NanoPerCent = NanoDollars.PerDollar / 100;

    /// <summary>Reads dollars such as <c>500</c> or <c>500.00</c>; the problem says what to write instead.</summary>
    public static string? ParseUsd(string text, out long nano) => Parse(text, 2, "dollars such as \"500.00\"", out nano);

    /// <summary>Reads whole cents such as <c>50000</c> (Spend Limits API, "Amounts and currency").</summary>
    public static string? ParseCents(string text, out long nano) => Parse(text, 0, "whole cents such as \"50000\"", out nano);

    /// <summary>Whole cents, with up to three decimals where there is more to say (List Effective Spend Limits).</summary>
    public static string Cents(long nano)
    {
        var thousandths = nano / (NanoPerCent / 1000);
        var fraction = $"{thousandths % 1000:D3}".TrimEnd('0');
        return $"{thousandths / 1000}{(fraction.Length > 0 ? "." : "")}{fraction}";
    }

    private static string? Parse(string text, int decimals, string accepted, out long nano)
    {
        nano = 0;
        if (text.StartsWith('-'))
            return $"an amount is never negative; give {accepted}.";
        if (FixedPoint.TryParse(text, decimals, out var scaled) && scaled <= long.MaxValue / NanoPerCent)
        {
            nano = scaled * NanoPerCent;
            return null;
        }
        return text.Length > 0 && text.All(c => char.IsAsciiDigit(c) || c == '.') && text.Count(c => c == '.') <= 1 && char.IsAsciiDigit(text[0]) && text[^1] != '.'
            ? text.IndexOf('.') is var point && point >= 0 && text.Length - point - 1 > decimals
                ? $"a fraction of a cent cannot be a limit; give {accepted}."
                : $"the amount is too large; at most {long.MaxValue / NanoDollars.PerDollar} dollars."
            : $"this is no amount; give {accepted}.";
    }
}
