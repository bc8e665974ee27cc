using System.CommandLine;
using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Governance.Spend;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc limit requests|approve|deny</c>: people's requests for more.</summary>
internal static class LimitRequestCommands
{
    private const int Most = 1000;

    public static Command List()
    {
        var all = new Option<bool>("--all") { Description = "Those that are resolved too" };
        return new Command("requests", "List people's requests for more, newest first") { all }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var names = await new DirectoryLookup(installation).NamesAsync();
            var page = await installation.Store.IncreaseRequests.ListAsync(installation.Organization.Id, context.Get(all) ? [] : ["pending"], [], null, Most);
            context.Output.List(
                page.Data, r => r, "Nobody asks for more.",
                ["id", "who", "period", "asked", "status", "reason"],
                r => [r.Id, names.GetValueOrDefault(r.PrincipalId, r.PrincipalId), r.Period, Rfc3339.Text(r.CreatedAt), r.Status, r.Reason]);
        });
    }

    public static Command Approve()
    {
        var id = Id();
        var amount = new Option<string>("--amount") { Description = "Dollars such as 500.00: the person's limit from now on", Required = true };
        var until = new Option<string?>("--until") { Description = "Only until a day such as 2026-12-24 (00:00 UTC); then the limit of before holds again" };
        var quiet = Quiet();
        return new Command("approve", "Approve a request for more") { id, amount, until, quiet }.Runs(async context =>
        {
            if (SpendAmount.ParseUsd(context.Get(amount)!, out var nano) is { } problem)
                throw new CommandException($"--amount: {problem}");
            var end = context.Get(until) is not { } text ? (long?)null
                : DateTimeOffset.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day) && day > context.Time.GetUtcNow() ? day.ToUnixTimeMilliseconds()
                : throw new CommandException($"--until: {text} is no day to come, such as 2026-12-24.");
            var installation = await context.OpenAsync();
            var store = installation.Store;
            var request = await FindAsync(store.IncreaseRequests, installation.Organization.Id, context.Get(id));
            _ = LimitPeriods.TryParse(request.Period, out var period);
            var approved = await store.IncreaseRequests.ApproveAsync(installation.Organization.Id, request, period, nano, end, context.Get(quiet), context.Actor)
                ?? throw new CommandException($"{request.Id} is resolved already.");
            context.Output.Done(approved, $"{approved.Id} is approved: {NanoDollars.Format(nano)} {request.Period}{(context.Get(until) is { } last ? $" until {last}" : "")}.");
        });
    }

    public static Command Deny()
    {
        var id = Id();
        var quiet = Quiet();
        return new Command("deny", "Deny a request for more") { id, quiet }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var request = await FindAsync(installation.Store.IncreaseRequests, installation.Organization.Id, context.Get(id));
            var denied = await installation.Store.IncreaseRequests.DenyAsync(installation.Organization.Id, request, context.Get(quiet), context.Actor)
                ?? throw new CommandException($"{request.Id} is resolved already.");
            context.Output.Done(denied, $"{denied.Id} is denied.");
        });
    }

    private static Argument<string> Id() => new("ID") { Description = "slir_…; see demarc limit requests" };

    private static Option<bool> Quiet() => new("--no-mail") { Description = "Do not tell the person by e-mail" };

    private static async Task<IncreaseRequest> FindAsync(IncreaseRequests requests, string organizationId, string id) =>
        await requests.GetAsync(organizationId, id) ?? throw new CommandException($"There is no request {id}. See: demarc limit requests");
}
