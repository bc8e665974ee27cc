using Demarc.Governance.Boundaries;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>
/// What code execution costs an organization at the least: by its calls beyond the month's free hours, on the days on which
/// they were made. It is nobody's alone, since the free hours are everybody's.
/// </summary>
public static class CodeExecution
{
    /// <summary>Nano-dollars by day, days without any left out.</summary>
    /// <param name="from">The start of a UTC day, as is <paramref name="to"/>.</param>
    public static async Task<Dictionary<DateTimeOffset, long>> ByDayAsync(Store store, string organizationId, Catalog catalog, DateTimeOffset from, DateTimeOffset to)
    {
        var costs = new Dictionary<DateTimeOffset, long>();
        if (from >= to)
            return costs;
        // The free hours are used up from the first of the month on.
        var first = new DateTimeOffset(from.Year, from.Month, 1, 0, 0, 0, TimeSpan.Zero);
        var (month, calls) = (first, 0L);
        foreach (var line in await store.Spend.ListAsync(new SpendQuery(organizationId, first, to, SpendBucket.Day)))
        {
            var day = DateTimeOffset.FromUnixTimeMilliseconds(line.At);
            if ((day.Year, day.Month) != (month.Year, month.Month))
                (month, calls) = (day, 0);
            var before = catalog.CodeExecution.Cost(calls);
            calls += line.CodeExecutionRequests;
            if (catalog.CodeExecution.Cost(calls) - before is > 0 and var cost && day >= from)
                costs[day] = cost;
        }
        return costs;
    }
}
