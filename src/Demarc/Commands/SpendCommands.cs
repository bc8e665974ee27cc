using System.CommandLine;
using System.Globalization;
using Demarc.Control.Costs;

namespace Demarc.Commands;

/// <summary><c>demarc ccu</c>, <c>demarc commitments</c> and <c>demarc export focus</c>: what was spent as sellers and finance have it.</summary>
internal static class SpendCommands
{
    private const string Parquet = "parquet";

    public static Command CreateUnits()
    {
        var month = new Option<string?>("--month") { Description = "A fiscal month such as 2026-07; default this one" };
        var hours = new Option<bool>("--hours") { Description = "By the hour, as it is metered" };
        return new Command("ccu", "Claude Consumption Units that Azure Marketplace and AWS Marketplace bill: 100 are a dollar") { month, hours }.Runs(async context =>
        {
            var (named, from, to) = CostCommand.Month(context.Get(month), context);
            var installation = await context.OpenAsync();
            var units = await ConsumptionUnits.ListAsync(installation.Store, installation.Organization.Id, from, to, context.Get(hours));
            context.Output.List(
                units,
                u => new { Month = named, At = Time(u), u.Platform, u.Units, CostUsd = Money.Number(u.NanoUsd) },
                $"No units in {named}. Foundry and Claude Platform on AWS are billed in them.",
                [context.Get(hours) ? "hour" : "month", "platform", "units", "cost"],
                u => [context.Get(hours) ? Time(u) : named, u.Platform, u.Units.ToString("N2", CultureInfo.InvariantCulture), Governance.Spend.NanoDollars.Format(u.NanoUsd)]);
        });
    }

    public static Command CreateCommitments() => new Command("commitments", "How far commitments of the configuration are drawn down, and where they end up").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var billing = context.Files.Config.Billing;
        var all = new List<CommitmentStatus>();
        foreach (var commitment in context.Files.Config.Commitments)
            all.Add(await CommitmentStatus.OfAsync(commitment, installation.Store, installation.Organization.Id, context.Files.Snapshot.Resources, context.Today));
        context.Output.List(
            all,
            c => new
            {
                c.Commitment.Name,
                c.Commitment.From,
                c.Commitment.Until,
                AmountUsd = Money.Number(c.Commitment.AmountNano),
                DrawnUsd = Money.Number(c.DrawnNano),
                DrawnPercent = Percent(c),
                PerDayUsd = Money.Number(c.PerDayNano),
                AverageOfDays = c.Days,
                ForecastUsd = Money.Number(c.ForecastNano),
                ForecastShortUsd = Money.Number(Math.Max(0, c.Commitment.AmountNano - c.ForecastNano)),
                c.UsedUp,
            },
            "The configuration has no commitments. See docs/configure.md, commitments.",
            ["commitment", "until", "amount", "drawn", "%", "a day", "forecast", "used up"],
            c =>
            [
                c.Commitment.Name, Day(c.Commitment.Until), billing.Text(c.Commitment.AmountNano), billing.Text(c.DrawnNano), Percent(c).ToString("0.0", CultureInfo.InvariantCulture),
                billing.Text(c.PerDayNano), billing.Text(c.ForecastNano), c.UsedUp is { } day ? Day(day) : "not before its end",
            ]);
    });

    /// <param name="others">What else is exported.</param>
    public static Command CreateExport(params Command[] others)
    {
        var from = new Option<string>("--from") { Description = "The first UTC day, such as 2026-07-01", Required = true };
        var to = new Option<string>("--to") { Description = "The last UTC day", Required = true };
        var output = new Option<string?>("--out") { Description = "The file to write; default standard output" };
        var format = new Option<string>("--format") { Description = "csv or parquet", DefaultValueFactory = _ => "csv" };
        format.AcceptOnlyFromAmong("csv", Parquet);
        var focus = new Command("focus", "Costs as the FinOps Open Cost and Usage Specification (FOCUS) has them") { from, to, output, format }.Runs(async context =>
        {
            if (context.Get(format) == Parquet && context.Get(output) is null)
                throw new CommandException("--format parquet: give --out FILE, as it is no text.");
            var (first, last) = (ReadDay("--from", context.Get(from)!), ReadDay("--to", context.Get(to)!));
            if (last < first)
                throw new CommandException("--to: give a day that is not before --from.");
            var installation = await context.OpenAsync();
            var rows = new FocusRows(
                installation.Store, installation.Organization.Id, installation.Organization.Name, context.Files.Config.Billing, context.Files.Snapshot).ListAsync(first, last.AddDays(1));
            if (context.Get(output) is not { } path)
            {
                await FocusExport.WriteCsvAsync(Console.Out, rows);
                return;
            }
            await using var file = File.Create(path);
            await using var text = new StreamWriter(file);
            var count = context.Get(format) == Parquet ? await FocusExport.WriteParquetAsync(file, rows) : await FocusExport.WriteCsvAsync(text, rows);
            await Console.Error.WriteLineAsync($"{count} rows in {path}.");
        });
        var command = new Command("export", "Write what was recorded in other formats, and follow what is sent elsewhere") { focus };
        foreach (var other in others)
            command.Subcommands.Add(other);
        return command;
    }

    private static decimal Percent(CommitmentStatus c) => c.Commitment.AmountNano == 0 ? 100 : Math.Round(100m * c.DrawnNano / c.Commitment.AmountNano, 1);

    public static DateOnly ReadDay(string option, string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day.Year is > 2000 and < 9999
            ? day
            : throw new CommandException($"{option} {text}: give a day such as 2026-07-01.");

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Time(ConsumptionUnits units) =>
        DateTimeOffset.FromUnixTimeMilliseconds(units.At).ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
}
