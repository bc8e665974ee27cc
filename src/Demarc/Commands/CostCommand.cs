using System.CommandLine;
using System.Globalization;
using Demarc.Governance.Spend;
using Demarc.Storage.Ledger;

namespace Demarc.Commands;

/// <summary><c>demarc cost</c>: what a month cost.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var by = new Option<string>("--by") { Description = "What to add up by; people appear by id", DefaultValueFactory = _ => "model" };
        by.AcceptOnlyFromAmong("person", "model", "resource", "key");
        var month = new Option<string?>("--month") { Description = "A UTC month such as 2026-07; default this one" };
        return new Command("cost", "What a month cost, dearest first") { by, month }.Runs(async context =>
        {
            var from = Month(context.Get(month), context.Today);
            var installation = await context.OpenAsync();
            var (spend, organization) = (installation.Store.Spend, installation.Organization.Id);
            var totals = context.Get(by) == "key"
                ? await spend.ListByKeyAsync(organization, from, from.AddMonths(1))
                : await spend.ListAsync(organization, from, from.AddMonths(1));
            var rows = totals.GroupBy(t => context.Get(by) switch
            {
                "person" => t.PrincipalId,
                "resource" => t.Resource,
                "key" => t.KeyId ?? "(no key)",
                _ => t.Model,
            }).Select(g => new Row(g.Key, [.. g])).OrderByDescending(r => r.NanoUsd).ThenBy(r => r.Name, StringComparer.Ordinal).ToList();
            var named = from.ToString("yyyy-MM", CultureInfo.InvariantCulture);
            if (rows.Count > 1 && !context.Output.IsJson)
                rows.Add(new Row("total", totals));
            context.Output.List(
                rows,
                r => new { Month = named, By = context.Get(by), r.Name, r.Requests, r.InputTokens, r.OutputTokens, r.CacheReadTokens, r.CacheWriteTokens, r.NanoUsd, CostUsd = NanoDollars.Format(r.NanoUsd)[1..] },
                $"Nothing was spent in {named}. A request counts about a second after its answer.",
                [context.Get(by)!, "requests", "input", "output", "cache read", "cache write", "cost"],
                r => [r.Name, Number(r.Requests), Number(r.InputTokens), Number(r.OutputTokens), Number(r.CacheReadTokens), Number(r.CacheWriteTokens), NanoDollars.Format(r.NanoUsd)]);
        });
    }

    private static DateOnly Month(string? text, DateOnly today) =>
        text is null ? new DateOnly(today.Year, today.Month, 1)
        : DateOnly.TryParseExact(text + "-01", "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var month) && month.Year < 9999 ? month
        : throw new CommandException($"--month {text}: give a year and a month, such as 2026-07.");

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private sealed record Row(string Name, SpendTotal[] Totals)
    {
        public long Requests => Totals.Sum(t => t.Requests);

        public long InputTokens => Totals.Sum(t => t.InputTokens);

        public long OutputTokens => Totals.Sum(t => t.OutputTokens);

        public long CacheReadTokens => Totals.Sum(t => t.CacheReadTokens);

        public long CacheWriteTokens => Totals.Sum(t => t.CacheWrite5mTokens + t.CacheWrite1hTokens);

        public long NanoUsd => Totals.Sum(t => t.NanoUsd);
    }
}
