using System.CommandLine;
using Demarc.Control.Identity.Roles;

namespace Demarc.Commands;

/// <summary><c>demarc role request|requests|approve|deny</c>: roles for a time.</summary>
internal static class RoleRequestCommands
{
    public static Command Ask()
    {
        var role = RoleCommands.Role();
        var user = new Option<string>("--user") { Description = "Who is to have it: an address or a user_… id", Required = true };
        var reason = new Option<string>("--reason") { Description = "What it is needed for", Required = true };
        var minutes = new Option<int>("--minutes") { Description = "How long it is to hold from the approval on, 1 to 1440", DefaultValueFactory = _ => (int)RoleRules.DefaultElevation.TotalMinutes };
        var command = new Command("request", "Ask for a role for a time") { role, user, reason, minutes };
        foreach (var option in RoleCommands.Scopes)
            command.Options.Add(option);
        return command.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            if (RoleRules.RoleProblem(context.Files.Snapshot, context.Get(role)) is { } unknown)
                throw new CommandException($"ROLE: {unknown}");
            if (RoleRules.ReasonProblem(context.Get(reason)!) is { } problem)
                throw new CommandException($"--reason: {problem}");
            if (context.Get(minutes) < 1 || context.Get(minutes) > RoleRules.LongestElevation.TotalMinutes)
                throw new CommandException("--minutes: give 1 to 1440.");
            var scope = await RoleCommands.ScopeAsync(context, context.Get(role));
            var person = await new DirectoryLookup(installation).UserAsync(context.Get(user)!);
            var made = await installation.Store.RoleRequests.AskAsync(
                installation.Organization.Id, person.Id, context.Get(role), scope, context.Get(reason)!, TimeSpan.FromMinutes(context.Get(minutes)), context.Actor);
            context.Output.Done(RoleRequestObject.Of(made), $"{made.Id}: waits for an administrator. They approve it: demarc role approve {made.Id}");
        });
    }

    public static Command List() => new Command("requests", "List requests for a role, newest first").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var names = await new DirectoryLookup(installation).NamesAsync();
        context.Output.List(
            await installation.Store.RoleRequests.ListAsync(installation.Organization.Id), RoleRequestObject.Of, "Nobody has asked for a role.",
            ["id", "who", "role", "where", "minutes", "status", "asked", "reason"],
            r => [r.Id, names.GetValueOrDefault(r.UserId, r.UserId), r.Role, r.At.ToString(), $"{r.Minutes}", r.Status, Output.Minute(r.CreatedAt), r.Reason]);
    });

    public static Command Approve() => Decide("approve", "Give the role that is asked for, for its time", approve: true);

    public static Command Deny() => Decide("deny", "Refuse a request for a role", approve: false);

    private static Command Decide(string name, string description, bool approve)
    {
        var id = new Argument<string>("ID") { Description = "rreq_…; see demarc role requests" };
        return new Command(name, description) { id }.Runs(async context =>
        {
            if (approve)
                context.NeedsNoSecond("roles");
            var installation = await context.OpenAsync();
            var store = installation.Store.RoleRequests;
            var found = await store.GetAsync(installation.Organization.Id, context.Get(id)) ?? throw new CommandException($"There is no request {context.Get(id)}. See: demarc role requests");
            if (!await store.DecideAsync(found, approve, context.Actor))
                throw new CommandException($"{found.Id} is {found.Status}: it can no longer be decided.");
            found = (await store.GetAsync(installation.Organization.Id, found.Id))!;
            context.Output.Done(RoleRequestObject.Of(found), $"{found.Id} is {found.Status}.");
        });
    }
}
