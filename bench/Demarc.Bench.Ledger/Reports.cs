using System.Diagnostics;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Bench.Ledger;

/// <summary>Milliseconds of the reports that people look at, over a month in the middle and over all.</summary>
internal static class Reports
{
    private const int Rounds = 7;

    public static async Task MeasureAsync(Store store)
    {
        var month = Year.First.AddMonths(6);
        (string Name, DateTimeOffset From, DateTimeOffset To)[] ranges = [("month", month, month.AddMonths(1)), ("year", Year.First, Year.First.AddDays(Year.Days))];
        (string Name, SpendBucket Bucket, SpendDimensions By)[] reports =
        [
            ("by day", SpendBucket.Day, SpendDimensions.None), ("by person", SpendBucket.Whole, SpendDimensions.Principal),
            ("by model", SpendBucket.Whole, SpendDimensions.Model), ("by day and model", SpendBucket.Day, SpendDimensions.Model),
            ("by key and resource", SpendBucket.Whole, SpendDimensions.Key | SpendDimensions.Resource),
        ];
        foreach (var (range, from, to) in ranges)
        {
            foreach (var (name, bucket, by) in reports)
                await OneAsync(store, $"{range}, {name}", new SpendQuery(Year.Organization, from, to, bucket) { By = by });
        }
        await OneAsync(store, "week, by hour", new SpendQuery(Year.Organization, month, month.AddDays(7), SpendBucket.Hour));
        await OneAsync(store, "hour, by minute", new SpendQuery(Year.Organization, month.AddDays(4).AddHours(9), month.AddDays(4).AddHours(10), SpendBucket.Minute));
    }

    private static async Task OneAsync(Store store, string name, SpendQuery query)
    {
        var times = new double[Rounds];
        var (lines, requests) = (0, 0L);
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var found = await store.Spend.ListAsync(query);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            (lines, requests) = (found.Length, found.Sum(l => l.Requests));
        }
        Console.WriteLine($"{name,-28} first {times[0],7:0.0} ms, median {times.Order().ElementAt(Rounds / 2),7:0.0} ms, most {times.Max(),7:0.0} ms, {lines,6} lines, {requests,10:N0} requests");
    }
}
