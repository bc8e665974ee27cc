using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Retention;
using Demarc.Serving;
using Demarc.Storage;
using Demarc.Storage.Retention;

namespace Demarc.Commands;

/// <summary><c>demarc hold create|list|release</c>.</summary>
internal static class HoldCommands
{
    public static Command Create() => new("hold", "Legal holds: what must not be destroyed") { Make(), List(), Release() };

    private static Command Make()
    {
        var name = new Argument<string>("NAME") { Description = "What the hold is called, for example a case number" };
        var reason = new Option<string>("--reason") { Description = "Why, for the record", Required = true };
        var user = new Option<string?>("--user") { Description = "A person (address or user_…) or a service account" };
        var group = new Option<string?>("--group") { Description = "A group: all who are in it now or join it" };
        var session = new Option<string?>("--session") { Description = "One session (clls_…)" };
        var everything = new Option<bool>("--everything") { Description = "The whole organization" };
        var (from, to) = (From(), To());
        return new Command("create", "Hold what is on record of a person, a group, a session or everybody") { name, reason, user, group, session, everything, from, to }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var (store, organization) = (installation.Store, installation.Organization.Id);
            foreach (var (option, text) in new[] { ("NAME", context.Get(name)), ("--reason", context.Get(reason)!) })
            {
                if (HoldEndpoints.TextProblem(text) is { } problem)
                    throw new CommandException($"{option}: {problem}");
            }
            var (scope, id) = await ScopeAsync(installation, context, user, group, session, everything, "What is to be held?");
            var (first, end) = Span(context, from, to);
            var hold = await store.LegalHolds.CreateAsync(organization, new NewLegalHold(context.Get(name), context.Get(reason)!, scope, id, first, end), context.Actor);
            context.Output.Done(HoldObject.Of(hold), $"{hold.Id} holds {scope} {id}.");
        });
    }

    private static Command List()
    {
        var all = new Option<bool>("--all") { Description = "Those that were released too" };
        return new Command("list", "List holds, newest first") { all }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var holds = await Pages.AllAsync(page => installation.Store.LegalHolds.ListAsync(installation.Organization.Id, page, context.Get(all)), h => h.Id);
            context.Output.List(
                holds, HoldObject.Of, "Nothing is held.", ["id", "name", "scope", "of", "from", "to", "made", "released"],
                h => [h.Id, h.Name, h.SubjectType, h.SubjectId, Rfc3339.Text(h.FromAt), Rfc3339.Text(h.ToAt), Rfc3339.Text(h.CreatedAt), Rfc3339.Text(h.ReleasedAt)]);
        });
    }

    private static Command Release()
    {
        var id = new Argument<string>("ID") { Description = "hold_…; see demarc hold list" };
        return new Command("release", "Release a hold: what it covered goes with the next sweep, as far as it is due") { id }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var released = await installation.Store.LegalHolds.ReleaseAsync(installation.Organization.Id, context.Get(id), context.Actor)
                ?? throw new CommandException($"There is no hold {context.Get(id)} in force. See: demarc hold list");
            context.Output.Done(HoldObject.Of(released), $"{released.Id} is released.");
        });
    }

    public static Option<string?> From() => new("--from") { Description = "Only from a day such as 2026-01-31 on (UTC)" };

    public static Option<string?> To() => new("--to") { Description = "Only before a day" };

    /// <summary>What one of four options names, which has to be there.</summary>
    public static async Task<(string Scope, string Id)> ScopeAsync(
        Installation installation, CommandContext context, Option<string?> user, Option<string?> group, Option<string?> session, Option<bool> everything, string question)
    {
        if (new[] { context.Get(user), context.Get(group), context.Get(session) }.Count(s => s is not null) + (context.Get(everything) ? 1 : 0) != 1)
            throw new CommandException($"{question} Pass one of --user, --group, --session, --everything.");
        var lookup = new DirectoryLookup(installation);
        var organization = installation.Organization.Id;
        var (scope, id) =
            context.Get(user) is { } person ? ("user", await lookup.MemberAsync(person))
            : context.Get(group) is { } named ? ("group", (await lookup.GroupAsync(named)).Id)
            : context.Get(session) is { } one ? ("session", one)
            : ("organization", organization);
        return await HoldEndpoints.ScopeProblemAsync(installation.Store, organization, scope, id) is { } wrong ? throw new CommandException($"--{scope}: {wrong}") : (scope, id);
    }

    /// <summary>Unix milliseconds; null for an open end.</summary>
    public static (long? From, long? To) Span(CommandContext context, Option<string?> from, Option<string?> to)
    {
        var (first, end) = (Day("--from", context.Get(from)), Day("--to", context.Get(to)));
        return end <= first ? throw new CommandException("--to: it ends before it begins.") : (first, end);
    }

    private static long? Day(string option, string? text) =>
        text is null ? null : new DateTimeOffset(SpendCommands.ReadDay(option, text), TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeMilliseconds();
}
