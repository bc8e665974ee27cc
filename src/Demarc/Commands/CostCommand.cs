using System.CommandLine;
using System.Globalization;
using Demarc.Control.Costs;
using Demarc.Governance.Spend;
using Demarc.Storage.Ledger;

namespace Demarc.Commands;

/// <summary><c>demarc cost</c>: what a month cost.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var by = new Option<string>("--by") { Description = "What to add up by; people appear by id", DefaultValueFactory = _ => "model" };
        by.AcceptOnlyFromAmong(CostBreakdown.Ways);
        var month = new Option<string?>("--month") { Description = "A UTC month such as 2026-07; default this one" };
        return new Command("cost", "What a month cost, dearest first") { by, month }.Runs(async context =>
        {
            var way = context.Get(by)!;
            var from = Month(context.Get(month), context.Today);
            var named = from.ToString("yyyy-MM", CultureInfo.InvariantCulture);
            var installation = await context.OpenAsync();
            var (store, organization) = (installation.Store, installation.Organization.Id);
            var breakdown = await CostBreakdown.OfAsync(way, store, organization, context.Files.Snapshot.Resources);
            var lines = await store.Spend.ListAsync(new SpendQuery(organization, Midnight(from), Midnight(from.AddMonths(1))) { By = breakdown.Needs });
            var (rows, total) = (breakdown.Rows(lines).ToList(), CostBreakdown.Total(lines));
            if (rows.Count > 1 && !context.Output.IsJson)
                rows.Add(new CostRow("total", total));
            context.Output.List(
                rows,
                r => Shape(named, way, r),
                $"Nothing was spent in {named}. A request counts about a second after its answer.",
                [way, "requests", "turns", "input", "output", "cache read", "cache write", "cost"],
                r =>
                [
                    r.Name, Number(r.Sums.Requests), Number(r.Sums.Turns), Number(r.Sums.InputTokens), Number(r.Sums.OutputTokens), Number(r.Sums.CacheReadTokens),
                    Number(CacheWrites(r.Sums)), NanoDollars.Format(r.Sums.NanoUsd),
                ]);
            await RemarkAsync(breakdown, rows.Count, total);
        });
    }

    private static object Shape(string month, string way, CostRow row) => new
    {
        Month = month,
        By = way,
        row.Name,
        row.Sums.Requests,
        row.Sums.Turns,
        row.Sums.InputTokens,
        row.Sums.OutputTokens,
        row.Sums.CacheReadTokens,
        CacheWriteTokens = CacheWrites(row.Sums),
        row.Sums.WebSearchRequests,
        row.Sums.CodeExecutionRequests,
        row.Sums.NanoUsd,
        CostUsd = NanoDollars.Format(row.Sums.NanoUsd)[1..],
        ListCostUsd = NanoDollars.Format(row.Sums.ListNanoUsd)[1..],
        FallbackCostUsd = NanoDollars.Format(row.Sums.FallbackNanoUsd)[1..],
        row.Sums.IncompleteRequests,
        IncompleteCostUsd = NanoDollars.Format(row.Sums.IncompleteNanoUsd)[1..],
    };

    // What a sum of money does not say of itself.
    private static async Task RemarkAsync(CostBreakdown breakdown, int rows, SpendLine total)
    {
        if (breakdown.Overlaps && rows > 1)
            await Console.Error.WriteLineAsync("Rows can overlap: what belongs to two of them counts to both. The total counts everything once.");
        if (total.FallbackNanoUsd > 0)
            await Console.Error.WriteLineAsync($"{NanoDollars.Format(total.FallbackNanoUsd)} of it is for models that the catalog has no price for, at the dearest price it knows. See: demarc cost --by model --json");
        if (total.IncompleteNanoUsd > 0)
            await Console.Error.WriteLineAsync($"{NanoDollars.Format(total.IncompleteNanoUsd)} of it is for {Number(total.IncompleteRequests)} calls whose usage the provider did not finish reporting.");
    }

    private static DateOnly Month(string? text, DateOnly today) =>
        text is null ? new DateOnly(today.Year, today.Month, 1)
        : DateOnly.TryParseExact(text + "-01", "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var month) && month.Year < 9999 ? month
        : throw new CommandException($"--month {text}: give a year and a month, such as 2026-07.");

    private static DateTimeOffset Midnight(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);

    private static long CacheWrites(SpendLine sums) => sums.CacheWrite5mTokens + sums.CacheWrite1hTokens;

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
