using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Resources;

namespace Demarc.Commands;

/// <summary><c>demarc alias</c>.</summary>
internal static class AliasCommands
{
    private static readonly Option<bool> Yes = new("--yes") { Description = "Do it without asking" };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Show what would change, and do nothing" };

    public static Command Create() => new("alias", "Names clients ask for, and the deployments that answer") { List(), Move(), Promote(), Rollback(), Delete() };

    private static Command List() => new Command("list", "List the aliases by name").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        context.Output.List(
            await AliasObject.ListAsync(installation.Store, installation.Organization.Id, context.Files.Snapshot), a => a,
            "There are no aliases yet. Make one: demarc alias move NAME RESOURCE/DEPLOYMENT",
            ["name", "targets", "staged", "from", "moved", "by"],
            a => [a.Name, string.Join(", ", a.Targets), a.Staged is { } s ? $"{s.Share}: {string.Join(", ", s.Targets)}" : null, a.Place ?? "data", a.MovedAt, a.MovedBy]);
    });

    private static Command Move()
    {
        var name = Name();
        var targets = new Argument<string[]>("TARGET") { Description = "RESOURCE/DEPLOYMENT, in the order in which they are asked", Arity = ArgumentArity.OneOrMore };
        var stage = new Option<string?>("--stage") { Description = "Only for this share of sessions, such as 10%; give a larger one later, then promote or roll back" };
        return new Command("move", "Make an alias, or move it to other deployments") { name, targets, stage, Yes, DryRun }.Runs(async context =>
        {
            if (AliasRules.NameProblem(context.Get(name)) is { } problem)
                throw new CommandException($"NAME: {problem}");
            Writable(context, context.Get(name));
            if (AliasRules.TargetsProblem(context.Files.Snapshot, context.Get(targets)) is { } wrong)
                throw new CommandException($"TARGET: {wrong}");
            int? share = context.Get(stage) is not { } text ? null
                : Shares.PerMille(text) ?? throw new CommandException($"--stage: give {Shares.Accepted}.");
            await ChangeAsync(context, await context.OpenOrMakeAsync(), context.Get(name), move => move.To(context.Get(targets), share));
        });
    }

    private static Command Promote()
    {
        var name = Name();
        return new Command("promote", "Send all sessions to what is staged") { name, Yes, DryRun }.Runs(async context =>
            await ChangeAsync(context, await context.OpenAsync(), context.Get(name), move => move.Promote()));
    }

    private static Command Rollback()
    {
        var name = Name();
        return new Command("rollback", "End what is staged, or go back to the targets of before") { name, Yes, DryRun }.Runs(async context =>
            await ChangeAsync(context, await context.OpenAsync(), context.Get(name), move => move.Rollback()));
    }

    private static Command Delete()
    {
        var name = Name();
        return new Command("delete", "Remove an alias") { name }.Runs(async context =>
        {
            Writable(context, context.Get(name));
            context.NeedsNoSecond("aliases");
            var installation = await context.OpenAsync();
            if (!await installation.Store.Aliases.DeleteAsync(installation.Organization.Id, context.Get(name), context.Actor))
                throw new CommandException($"There is no alias {context.Get(name)}. See: demarc alias list");
            context.Output.Done(new { Type = "alias_deleted", Name = context.Get(name) }, $"{context.Get(name)} is removed.");
        });
    }

    // Shows what changes, asks, does it.
    private static async Task ChangeAsync(CommandContext context, Serving.Installation installation, string name, Func<AliasMove, AliasPlan> plan)
    {
        Writable(context, name);
        var planned = plan(await AliasMove.OfAsync(installation.Store, installation.Organization.Id, context.Files.Snapshot, name, context.Time));
        if (planned.Problem is { } problem)
            throw new CommandException(problem);
        var preview = planned.Preview;
        if (context.Get(DryRun) && context.Output.IsJson)
            context.Output.One(preview);
        else if (context.Get(DryRun))
            Show(preview, Console.Out);
        if (context.Get(DryRun))
            return;
        context.NeedsNoSecond("aliases");
        if (preview.IsNothing)
        {
            Console.Error.WriteLine($"{name} stands for this already; nothing is done.");
        }
        else
        {
            if (!context.Output.IsJson && preview.Before.Length > 0)
                Show(preview, Console.Error);
            // Where the name stood for nothing nobody is moved.
            if (preview.Before.Length > 0 && !context.Get(Yes) && !Confirmed())
                throw new CommandException("Nothing is done.");
            if (AliasMove.Problem(await planned.ApplyAsync(context.Actor), name) is { } late)
                throw new CommandException(late);
        }
        if (await installation.Store.Aliases.FindAsync(installation.Organization.Id, name) is not { } stored)
            return;
        var now = AliasObject.Of(stored);
        context.Output.Done(now, $"{now.Name}: {string.Join(", ", now.Targets)}{(now.Staged is { } s ? $"; {s.Share} of sessions: {string.Join(", ", s.Targets)}" : "")}.");
    }

    private static void Show(AliasPreview preview, TextWriter output)
    {
        output.WriteLine($"{preview.Name}: {(preview.Before.Length == 0 ? "nothing" : string.Join(", ", preview.Before))} -> {string.Join(", ", preview.After)}{(preview.Share is { } share ? $", for {share} of sessions" : "")}");
        if (preview.Staged is { } staged)
            output.WriteLine($"Until now {staged.Share} of sessions go to {string.Join(", ", staged.Targets)}.");
        if (preview.Changes.Length > 0)
            Output.Table(output, ["", "fact", "before", "after"], preview.Changes.Select(c => new[] { c.Group, c.Fact, string.Join(", ", c.Before), string.Join(", ", c.After) }));
        else if (preview.Before.Length > 0)
            output.WriteLine("No fact changes.");
        foreach (var warning in preview.Warnings)
            output.WriteLine($"Warning: {warning}");
    }

    private static bool Confirmed()
    {
        if (Console.IsInputRedirected)
            throw new CommandException("This moves sessions, and nobody is there to be asked: nothing is done. Pass --yes to do it.");
        Console.Error.Write("Do it? [y/N] ");
        return Console.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    private static void Writable(CommandContext context, string name)
    {
        if (AliasRules.PlaceOf(context.Files.Snapshot, name) is { } place)
            throw new CommandException($"The configuration names {name} ({place}), so it is read-only here. Change it there.");
    }

    private static Argument<string> Name() => new("NAME") { Description = "The name clients ask for" };
}
