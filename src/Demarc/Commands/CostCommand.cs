using System.CommandLine;
using System.Globalization;
using Demarc.Control.Configuration;
using Demarc.Control.Costs;
using Demarc.Control.Reviews;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Commands;

/// <summary><c>demarc cost</c>: what a month cost.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var by = new Option<string>("--by") { Description = "What to add up by; people appear by id unless the configuration says otherwise", DefaultValueFactory = _ => "model" };
        by.AcceptOnlyFromAmong(CostBreakdown.Ways);
        var month = new Option<string?>("--month") { Description = "A fiscal month such as 2026-07; default this one" };
        return new Command("cost", "What a month cost, dearest first") { by, month }.Runs(async context =>
        {
            var way = context.Get(by)!;
            var (named, from, to) = Month(context.Get(month), context);
            var billing = context.Files.Config.Billing;
            var installation = await context.OpenAsync();
            var (store, organization) = (installation.Store, installation.Organization.Id);
            var breakdown = await CostBreakdown.OfAsync(way, store, organization, context.Files.Snapshot.Resources);
            var lines = await store.Spend.ListAsync(new SpendQuery(organization, from, to) { By = breakdown.Needs });
            var people = await ReportPeople.LoadAsync(store, organization, context.Files.Snapshot, installation.Master.Derive(PseudonymKey.Purpose), readerId: null);
            var names = way == "person" && context.Files.Config.NamesPeople ? await new DirectoryLookup(installation).NamesAsync() : [];
            var (rows, total) = (breakdown.Rows(lines, people).Select(r => names.TryGetValue(r.Name, out var name) ? r with { Name = name } : r).ToList(), CostBreakdown.Total(lines));
            if (rows.Count > 1 && !context.Output.IsJson)
                rows.Add(new CostRow("total", total));
            context.Output.List(
                rows,
                r => Shape(named, way, r, billing),
                $"Nothing was spent in {named}. A request counts about a second after its answer.",
                [way, "requests", "turns", "input", "output", "cache read", "cache write", "cost", .. IsDollars(billing) ? [] : new[] { billing.Currency.ToLowerInvariant() }],
                r =>
                [
                    r.Name, Number(r.Sums.Requests), Number(r.Sums.Turns), Number(r.Sums.InputTokens), Number(r.Sums.OutputTokens), Number(r.Sums.CacheReadTokens),
                    Number(CacheWrites(r.Sums)), NanoDollars.Format(r.Sums.NanoUsd), .. IsDollars(billing) ? [] : new[] { billing.Text(r.Sums.NanoUsd) },
                ]);
            await RemarkAsync(breakdown, rows.Count, total);
            if (rows.Count > 0 && !IsDollars(billing))
                await Console.Error.WriteLineAsync($"1 USD = {Money.Number(billing.RateNano)} {billing.Currency}, as the configuration has it.");
            if (total.CodeExecutionRequests > 0)
                await Console.Error.WriteLineAsync(await ExecutionsAsync(context, store, organization, from, to, total));
        });
    }

    private static object Shape(string month, string way, CostRow row, BillingConfig billing) => new
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
        billing.Currency,
        UsdRate = Money.Number(billing.RateNano),
        Cost = Money.Number(billing.In(row.Sums.NanoUsd)),
    };

    private static bool IsDollars(BillingConfig billing) => billing.Currency == BillingConfig.Dollars.Currency;

    private static async Task<string> ExecutionsAsync(CommandContext context, Store store, string organization, DateTimeOffset from, DateTimeOffset to, SpendLine total)
    {
        var least = (await CodeExecution.ByDayAsync(store, organization, context.Catalog, from, to)).Values.Sum();
        return $"{Number(total.CodeExecutionRequests)} calls of code execution come to it, which are billed by time: at least {NanoDollars.Format(least)} beyond the free hours.";
    }

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

    /// <summary>A fiscal month by its name, and the time it is.</summary>
    public static (string Name, DateTimeOffset From, DateTimeOffset To) Month(string? text, CommandContext context)
    {
        var billing = context.Files.Config.Billing;
        var month = billing.MonthOf(context.Today);
        if (text is not null && !(DateOnly.TryParseExact(text + "-01", "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out month) && month.Year is > 2000 and < 9999))
            throw new CommandException($"--month {text}: give a year and a month, such as 2026-07.");
        var (from, to) = billing.Month(month);
        return (month.ToString("yyyy-MM", CultureInfo.InvariantCulture), from, to);
    }

    private static long CacheWrites(SpendLine sums) => sums.CacheWrite5mTokens + sums.CacheWrite1hTokens;

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
