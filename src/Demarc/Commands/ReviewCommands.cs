using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Retention;
using Demarc.Control.Reviews;
using Demarc.Serving;
using Demarc.Storage;
using Demarc.Storage.Reviews;

namespace Demarc.Commands;

/// <summary><c>demarc review request|list|approve|deny|revoke</c>.</summary>
internal static class ReviewCommands
{
    public static Command Create() => new("review", "Access to what was captured: asked for, approved by somebody else, for a time")
    {
        Request(),
        List(),
        Decide("approve", "Approve a review that somebody else asked for", approve: true),
        Decide("deny", "Deny a review", approve: false),
        Revoke(),
    };

    private static Command Request()
    {
        var reader = new Option<string?>("--reader") { Description = "Who will read, with a compliance key: an address, a name or an id; not needed with --exempt-key" };
        var code = new Option<string>("--reason-code") { Description = $"One of {string.Join(", ", Review.ReasonCodes)}", Required = true };
        code.AcceptOnlyFromAmong(Review.ReasonCodes);
        var reason = new Option<string>("--reason") { Description = "Why, for the record", Required = true };
        var user = new Option<string?>("--user") { Description = "Whose content: an address, a name or an id" };
        var group = new Option<string?>("--group") { Description = "The content of a group's members" };
        var session = new Option<string?>("--session") { Description = "The content of one session (clls_…)" };
        var everything = new Option<bool>("--everything") { Description = "All content" };
        var key = new Option<string?>("--exempt-key") { Description = "No content, but a compliance key (apikey_…) that is to read without reviews for a time" };
        var hours = new Option<int>("--hours") { Description = "How long it is open once approved", DefaultValueFactory = _ => 24 };
        var (from, to) = (HoldCommands.From(), HoldCommands.To());
        return new Command("request", "Ask for a review, or for the exemption of a compliance key") { reader, code, reason, user, group, session, everything, key, hours, from, to }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var (store, organization) = (installation.Store, installation.Organization.Id);
            var (scope, id) = context.Get(key) is { } exempt ? ("key", exempt) : await HoldCommands.ScopeAsync(installation, context, user, group, session, everything, "What is to be opened?");
            if (context.Get(reader) is null && scope != "key")
                throw new CommandException("--reader: who will read?");
            if (HoldEndpoints.TextProblem(context.Get(reason)!) is { } wrong)
                throw new CommandException($"--reason: {wrong}");
            if (context.Get(hours) is var open && (open < 1 || open > Review.MostHours(scope)))
                throw new CommandException($"--hours: give 1 to {Review.MostHours(scope)}.");
            var (first, end) = HoldCommands.Span(context, from, to);
            var readerId = context.Get(reader) is { } who ? await new DirectoryLookup(installation).MemberAsync(who) : context.Actor.Id;
            var asked = new NewReview(scope, id, context.Get(code)!, context.Get(reason)!, readerId, open, first, end);
            if (await ReviewRules.ProblemAsync(store, organization, asked) is var (field, problem))
                throw new CommandException($"{(field == "reader_id" ? "--reader" : scope == "key" ? "--exempt-key" : $"--{scope}")}: {problem}");
            var review = await store.Reviews.RequestAsync(organization, asked, context.Actor);
            context.Output.Done(ReviewObject.Of(review, review.RequestedAt), $"{review.Id} is asked for. Somebody else approves it: demarc review approve {review.Id}");
        });
    }

    private static Command List()
    {
        var all = new Option<bool>("--all") { Description = "Those that are decided too" };
        return new Command("list", "List reviews, newest first; those that wait unless --all") { all }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var names = await new DirectoryLookup(installation).NamesAsync();
            var now = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
            var reviews = await Pages.AllAsync(page => installation.Store.Reviews.ListAsync(installation.Organization.Id, page, context.Get(all) ? null : "pending"), r => r.Id);
            context.Output.List(
                reviews, r => ReviewObject.Of(r, now), "No review waits.", ["id", "status", "scope", "of", "reader", "reason", "asked by", "until"],
                r => [r.Id, r.StatusAt(now), r.Scope, names.GetValueOrDefault(r.ScopeId, r.ScopeId), names.GetValueOrDefault(r.ReaderId, r.ReaderId), $"{r.ReasonCode}: {r.Reason}", names.GetValueOrDefault(r.RequestedBy, r.RequestedBy), Rfc3339.Text(r.ExpiresAt)]);
        });
    }

    private static Command Decide(string name, string description, bool approve)
    {
        var id = Id();
        return new Command(name, description) { id }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var review = await FindAsync(installation, context.Get(id));
            if (approve && ReviewRules.CannotApprove(review, context.Actor) is { } problem)
                throw new CommandException(problem);
            var decided = await installation.Store.Reviews.DecideAsync(review, approve, context.Actor) ?? throw Resolved(review, context);
            context.Output.Done(ReviewObject.Of(decided, decided.DecidedAt!.Value), approve ? $"{decided.Id} is open until {Rfc3339.Text(decided.ExpiresAt)}." : $"{decided.Id} is denied.");
        });
    }

    private static Command Revoke()
    {
        var id = Id();
        return new Command("revoke", "Close a review at once, or take one back") { id }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var review = await FindAsync(installation, context.Get(id));
            var revoked = await installation.Store.Reviews.RevokeAsync(review, context.Actor) ?? throw Resolved(review, context);
            context.Output.Done(ReviewObject.Of(revoked, revoked.DecidedAt!.Value), $"{revoked.Id} is closed.");
        });
    }

    private static Argument<string> Id() => new("ID") { Description = "review_…; see demarc review list" };

    private static async Task<Review> FindAsync(Installation installation, string id) =>
        await installation.Store.Reviews.GetAsync(installation.Organization.Id, id) ?? throw new CommandException($"There is no review {id}. See: demarc review list --all");

    private static CommandException Resolved(Review review, CommandContext context) =>
        new($"{review.Id} is {review.StatusAt(context.Time.GetUtcNow().ToUnixTimeMilliseconds())} already.");
}
