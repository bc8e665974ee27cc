using System.CommandLine;
using System.Globalization;
using Demarc.Control.Costs;
using Demarc.Governance.Boundaries;
using Demarc.Storage.Ledger;

namespace Demarc.Commands;

/// <summary><c>demarc reconcile</c>: the provider's bill against the ledger.</summary>
internal static class ReconcileCommand
{
    private static readonly Dictionary<string, Platform[]> Platforms = new()
    {
        ["azure"] = [Platform.Foundry],
        ["aws"] = [Platform.Bedrock, Platform.AnthropicAws],
        ["google"] = [Platform.Vertex],
    };

    public static Command Create()
    {
        var provider = new Option<string>("--provider") { Description = "Whose bill it is", Required = true };
        provider.AcceptOnlyFromAmong([.. ProviderBill.Providers]);
        var all = new Option<bool>("--all") { Description = "Show periods without a difference too" };
        var file = new Argument<string>("FILE") { Description = "The provider's export of its costs, CSV" };
        return new Command("reconcile", "Hold a provider's bill against the ledger, and report what only the provider saw") { file, provider, all }.Runs(async context =>
        {
            var bill = Read(context.Get(file), context.Get(provider)!, context.Files.Config.Billing);
            if (bill.Lines.Length == 0)
                throw new CommandException($"No line of {context.Get(file)} is for Claude ({bill.Others} are for something else). Give an export of all costs, or of those of the Claude offers.");
            var installation = await context.OpenAsync();
            var platforms = Platforms[context.Get(provider)!];
            var first = bill.Lines.Min(l => l.At);
            var (from, to) = (Midnight(first), Midnight(bill.Lines.Max(l => l.At)).AddDays(1));
            var ledger = await installation.Store.Spend.ListAsync(
                new SpendQuery(installation.Organization.Id, from, to, bill.IsHourly ? SpendBucket.Hour : SpendBucket.Day)
                {
                    By = SpendDimensions.Model | SpendDimensions.Resource | SpendDimensions.ServiceTier | SpendDimensions.Speed | SpendDimensions.InferenceGeo,
                    Only = new Dictionary<SpendDimensions, string[]> { [SpendDimensions.Platform] = [.. platforms.Select(p => p.Wire())] },
                });
            var resources = Array.FindAll(context.Files.Config.Resources, r => platforms.Contains(r.Platform));
            var meters = new BillMeters(ledger.Select(l => l.Model!).Distinct());
            bill = bill with { Lines = Array.ConvertAll(bill.Lines, l => l with { Meter = meters.Of(l.Description) }) };
            var metered = ledger.SelectMany(l => meters.Of(l, context.Files.Snapshot).Select(m => new MeteredSpend(DateTimeOffset.FromUnixTimeMilliseconds(l.At), m.Meter, m.Tokens, m.Nano)));
            Show(context, Reconciliation.Of(bill, ledger, metered, line => IsKnown(line, resources)), bill, context.Get(all));
        });
    }

    private static ProviderBill Read(string path, string provider, Control.Configuration.BillingConfig billing)
    {
        using var text = new StreamReader(path);
        try
        {
            return ProviderBill.Read(text, provider, billing.Currency, billing.RateNano);
        }
        catch (BillException e)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
    }

    // Azure names the account in a line for it; a marketplace's line names an offer, which says nothing of whose it is.
    private static bool IsKnown(BillLine line, Control.Configuration.ResourceConfig[] resources)
    {
        const string accounts = "/microsoft.cognitiveservices/accounts/";
        var at = line.Resource.IndexOf(accounts, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
            return true;
        var account = line.Resource[(at + accounts.Length)..].Split('/')[0];
        return resources.Any(r => new[] { r.Management?.Account, r.Name, r.Endpoint.Host.Split('.')[0] }.Contains(account, StringComparer.OrdinalIgnoreCase));
    }

    private static void Show(CommandContext context, Reconciliation found, ProviderBill bill, bool all)
    {
        var shown = all ? found.Periods : Array.FindAll(found.Periods, p => p.DifferenceNano != 0);
        var strangers = found.Strangers.GroupBy(l => l.Resource, StringComparer.OrdinalIgnoreCase)
            .Select(g => new { Resource = g.Key, Lines = g.Count(), CostUsd = Money.Number(g.Sum(l => l.NanoUsd)), FirstAt = Time(g.Min(l => l.At), bill), LastAt = Time(g.Max(l => l.At), bill) }).ToArray();
        var total = Total(found.Periods);
        if (context.Output.IsJson)
        {
            context.Output.One(new
            {
                Granularity = bill.IsHourly ? "hour" : "day",
                BillLines = bill.Lines.Length,
                OtherLines = bill.Others,
                PriceBasis = found.Basis == PriceBasis.Quantities ? "quantities" : "amounts",
                found.PriceFactor,
                found.Prices,
                Total = Shape(total, bill),
                Periods = shown.Select(p => Shape(p, bill)),
                UnknownResources = strangers,
            });
            return;
        }
        Output.Table(
            [bill.IsHourly ? "hour" : "day", "bill", "ledger", "difference", "price", "rounding", "late", "incomplete", "not yet billed", "unbilled", "bypass"],
            shown.Append(total).Select(p => (string?[])
            [
                p == total ? "total" : Time(p.At, bill), Usd(p.BillNano), Usd(p.LedgerNano), Usd(p.DifferenceNano), Usd(p.PriceNano), Usd(p.RoundingNano), Usd(p.LateNano),
                Usd(p.IncompleteNano), Usd(p.PendingNano), Usd(p.UnbilledNano), Usd(p.BypassNano),
            ]));
        if (!bill.IsHourly)
            Console.Error.WriteLine("The export has days only: days are compared, and what evens out within a day does not show.");
        foreach (var price in found.Prices)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{price.Meter}: a token costs {price.Factor:0.0000} of what the ledger has for it: set `rates` of the resource, if that is your contract."));
        if (found.Basis == PriceBasis.Amounts)
        {
            Console.Error.WriteLine(Array.Exists(bill.Lines, l => l.Meter == BillMeters.Units)
                ? "Claude Consumption Units are money, not tokens: what a lower price saves and what usage beside Demarc adds cannot be told apart. State your contract in `rates`, and what the bill has more is usage."
                : "The export has no quantities of tokens: prices are judged by amounts alone.");
        }
        if (found.PriceFactor != 1)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The bill charges {found.PriceFactor:0.0000} for each dollar of the ledger throughout: set `rates` of the resource, if that is your contract."));
        foreach (var stranger in strangers)
            Console.Error.WriteLine($"bypass: {stranger.Resource} is no resource of the configuration: ${stranger.CostUsd} in {stranger.Lines} lines, {stranger.FirstAt} to {stranger.LastAt}.");
        if (total.BypassNano > 0)
            Console.Error.WriteLine($"bypass: {Usd(total.BypassNano)} of usage that only the provider saw. Keys or roles that reach the provider without Demarc are the way it takes.");
    }

    private static ReconciledPeriod Total(ReconciledPeriod[] periods) => new(default(DateTimeOffset))
    {
        BillNano = periods.Sum(p => p.BillNano),
        LedgerNano = periods.Sum(p => p.LedgerNano),
        IncompleteLedgerNano = periods.Sum(p => p.IncompleteLedgerNano),
        BillLines = periods.Sum(p => p.BillLines),
        PriceNano = periods.Sum(p => p.PriceNano),
        RoundingNano = periods.Sum(p => p.RoundingNano),
        LateNano = periods.Sum(p => p.LateNano),
        IncompleteNano = periods.Sum(p => p.IncompleteNano),
        PendingNano = periods.Sum(p => p.PendingNano),
        UnbilledNano = periods.Sum(p => p.UnbilledNano),
        BypassNano = periods.Sum(p => p.BypassNano),
    };

    private static object Shape(ReconciledPeriod p, ProviderBill bill) => new
    {
        At = p.At == default ? null : Time(p.At, bill),
        BillUsd = Money.Number(p.BillNano),
        LedgerUsd = Money.Number(p.LedgerNano),
        DifferenceUsd = Money.Number(p.DifferenceNano),
        PriceUsd = Money.Number(p.PriceNano),
        RoundingUsd = Money.Number(p.RoundingNano),
        LateUsd = Money.Number(p.LateNano),
        IncompleteUsd = Money.Number(p.IncompleteNano),
        NotYetBilledUsd = Money.Number(p.PendingNano),
        UnbilledUsd = Money.Number(p.UnbilledNano),
        BypassUsd = Money.Number(p.BypassNano),
        p.BillLines,
    };

    private static string Usd(long nano) => nano == 0 ? "-" : Governance.Spend.NanoDollars.Format(nano);

    private static string Time(DateTimeOffset at, ProviderBill bill) => at.ToString(bill.IsHourly ? "yyyy-MM-dd HH:mm'Z'" : "yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static DateTimeOffset Midnight(DateTimeOffset at) => new(at.UtcDateTime.Date, TimeSpan.Zero);
}
