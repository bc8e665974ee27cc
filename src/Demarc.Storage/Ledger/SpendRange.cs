using System.Globalization;

namespace Demarc.Storage.Ledger;

/// <summary>A table that answers a report, or a part of its time, and the part.</summary>
/// <param name="Column">Of the table's periods; <paramref name="From"/> and <paramref name="To"/> are as it has them.</param>
/// <param name="Bucket">What a row's period is, as the report cuts time.</param>
internal sealed record SpendRange(string Table, string Column, object From, object To, string Bucket)
{
    private const SpendDimensions People = SpendDimensions.Principal | SpendDimensions.Key;

    /// <summary>The coarsest totals that can answer: months where they are whole, and no people where none are asked for.</summary>
    /// <exception cref="ArgumentException">A report by days that does not begin and end with one.</exception>
    public static SpendRange[] Of(SpendQuery query)
    {
        var (from, to) = (query.From.UtcDateTime, query.To.UtcDateTime);
        var wholeDays = from.TimeOfDay == TimeSpan.Zero && to.TimeOfDay == TimeSpan.Zero;
        var people = (query.By & People) != 0 || query.Only.Keys.Any(d => (d & People) != 0);
        return query.Bucket switch
        {
            SpendBucket.Minute => [Times("ledger", "at", "at - at % 60000")],
            SpendBucket.Hour => [Times("spend_hours", "hour", "hour")],
            SpendBucket.Whole when !wholeDays => [Times("spend_hours", "hour", "hour")],
            _ when !wholeDays => throw new ArgumentException("A report by days begins and ends with one: cut From and To to days.", nameof(query)),
            _ when !people => [Days("spend_model_days", from, to)],
            SpendBucket.Whole => Months(from, to),
            _ => [Days("spend_days", from, to)],
        };

        SpendRange Times(string table, string column, string bucket) =>
            new(table, column, query.From.ToUnixTimeMilliseconds(), query.To.ToUnixTimeMilliseconds(), bucket);
    }

    /// <summary>What of a row adds up to a column of the report: the ledger's rows say in words what totals add up.</summary>
    public string Amount(string column) => (Table, column) switch
    {
        ("ledger", "fallback_nano_usd") => "CASE WHEN price_source = 'fallback' THEN nano_usd ELSE 0 END",
        ("ledger", "incomplete_requests") => "incomplete * requests",
        ("ledger", "incomplete_nano_usd") => "incomplete * nano_usd",
        _ => column,
    };

    /// <summary>The start of a day, Unix milliseconds.</summary>
    public static long Milliseconds(string day) =>
        new DateTimeOffset(DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture), TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeMilliseconds();

    // Whole months, and the days before and behind them.
    private static SpendRange[] Months(DateTime from, DateTime to)
    {
        var end = new DateTime(to.Year, to.Month, 1);
        if (from >= end)
            return [Days("spend_days", from, to)];
        var first = from.Day == 1 ? from : new DateTime(from.Year, from.Month, 1).AddMonths(1);
        if (first == end)
            return [Days("spend_days", from, to)];
        var months = new SpendRange("spend_months", "month", Text(first, "yyyy-MM"), Text(end, "yyyy-MM"), "month");
        return [months, .. from < first ? [Days("spend_days", from, first)] : (SpendRange[])[], .. end < to ? [Days("spend_days", end, to)] : (SpendRange[])[]];
    }

    private static SpendRange Days(string table, DateTime from, DateTime to) => new(table, "day", Text(from, "yyyy-MM-dd"), Text(to, "yyyy-MM-dd"), "day");

    private static string Text(DateTime time, string format) => time.ToString(format, CultureInfo.InvariantCulture);
}
