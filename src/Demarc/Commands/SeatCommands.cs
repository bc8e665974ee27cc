using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc seat</c>.</summary>
internal static class SeatCommands
{
    // Without the key seats nobody needs one: what is given now holds once it is there.
    private static readonly SeatRules NoRules = new([], null);

    public static Command Create() => new("seat", "Who may sign in") { List(), Assign(), Release() };

    private static Command List() => new Command("list", "List the seats that are held, oldest first").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var rules = Rules(context);
        var seats = await installation.Store.Seats.ListAsync(installation.Organization.Id, rules);
        context.Output.List(
            seats, s => new { s.UserId, s.Email, s.Source, AssignedAt = Rfc3339.Text(s.AssignedAt), s.AssignedBy }, "Nobody has a seat.",
            ["person", "by", "since", "given by"], s => [s.Email, s.Source, Output.Minute(s.AssignedAt), s.AssignedBy]);
        if (!context.Output.IsJson)
            await Console.Error.WriteLineAsync($"{seats.Length} of {rules.Maximum?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "any number of"} seats are held.");
    });

    private static Command Assign() => OfUser("assign", "Give a person a seat, whatever their groups", async (context, user) =>
    {
        var installation = await context.OpenAsync();
        if (user.Status != "active")
            throw new CommandException($"{user.Email} is not active, and can have no seat. See: demarc user activate");
        if (await installation.Store.Seats.AssignAsync(installation.Organization.Id, user.Id, Rules(context), context.Actor) == SeatOutcome.Full)
            throw new CommandException($"All {Rules(context).Maximum} seats are held. Release one (demarc seat release USER), or raise seats.maximum.");
        context.Output.Done(new { UserId = user.Id, user.Email, Seat = true }, $"{user.Email} has a seat.");
    });

    private static Command Release() => OfUser("release", "Take a person's seat back: their sessions end within five seconds", async (context, user) =>
    {
        var installation = await context.OpenAsync();
        if (!await installation.Store.Seats.ReleaseAsync(installation.Organization.Id, user.Id, context.Actor))
            throw new CommandException($"{user.Email} has no seat. See: demarc seat list");
        context.Output.Done(
            new { UserId = user.Id, user.Email, Seat = false },
            $"{user.Email} has no seat any more{(Rules(context).Groups.Length > 0 ? ", until they sign in again as a member of a group that gives one" : "")}.");
    });

    private static Command OfUser(string name, string description, Func<CommandContext, User, Task> run)
    {
        var user = new Argument<string>("USER") { Description = "An address or a user_… id" };
        return new Command(name, description) { user }.Runs(async context => await run(context, await new DirectoryLookup(await context.OpenAsync()).UserAsync(context.Get(user))));
    }

    private static SeatRules Rules(CommandContext context) => context.Files.Config.Seats?.Rules ?? NoRules;
}
