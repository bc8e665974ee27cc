using System.Globalization;
using Demarc.Control.Configuration;
using Demarc.Governance.Spend;

namespace Demarc.Control.Costs;

/// <summary>Months and amounts as finance has them.</summary>
public static class Money
{
    /// <summary>The days of a fiscal month: from its first one up to and without the next one's.</summary>
    /// <param name="month">The first of the calendar month in which it begins.</param>
    public static (DateTimeOffset From, DateTimeOffset To) Month(this BillingConfig billing, DateOnly month)
    {
        var first = new DateOnly(month.Year, month.Month, billing.FiscalMonthStart);
        return (Midnight(first), Midnight(first.AddMonths(1)));
    }

    /// <summary>The calendar month in which the fiscal month of a day begins.</summary>
    public static DateOnly MonthOf(this BillingConfig billing, DateOnly day)
    {
        var first = new DateOnly(day.Year, day.Month, 1);
        return day.Day < billing.FiscalMonthStart ? first.AddMonths(-1) : first;
    }

    /// <summary>Nano-dollars in the billing currency, times 10^9; rounded half away from zero.</summary>
    public static long In(this BillingConfig billing, long nanoUsd)
    {
        var product = (Int128)nanoUsd * billing.RateNano;
        var half = NanoDollars.PerDollar / 2;
        return checked((long)((product + (product < 0 ? -half : half)) / NanoDollars.PerDollar));
    }

    /// <summary><c>1.25</c>: as many decimals as it takes to be exact, at least two.</summary>
    public static string Number(long nano) => NanoDollars.Format(nano).Replace("$", "", StringComparison.Ordinal);

    /// <summary><c>EUR 1,234.57</c>, to the hundredth, for people.</summary>
    public static string Text(this BillingConfig billing, long nanoUsd) =>
        string.Create(CultureInfo.InvariantCulture, $"{billing.Currency} {Math.Round(billing.In(nanoUsd) / (decimal)NanoDollars.PerDollar, 2, MidpointRounding.AwayFromZero):N2}");

    public static DateTimeOffset Midnight(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);
}
