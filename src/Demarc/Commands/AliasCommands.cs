using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Resources;

namespace Demarc.Commands;

/// <summary><c>demarc alias</c>.</summary>
internal static class AliasCommands
{
    public static Command Create() => new("alias", "Names clients ask for, and the deployments that answer") { List(), Move(), Delete() };

    private static Command List() => new Command("list", "List the aliases by name").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        context.Output.List(
            await AliasObject.ListAsync(installation.Store, installation.Organization.Id, context.Files.Snapshot), a => a,
            "There are no aliases yet. Make one: demarc alias move NAME RESOURCE/DEPLOYMENT",
            ["name", "targets", "from", "moved", "by"],
            a => [a.Name, string.Join(", ", a.Targets), a.Place ?? "data", a.MovedAt, a.MovedBy]);
    });

    private static Command Move()
    {
        var name = Name();
        var targets = new Argument<string[]>("TARGET") { Description = "RESOURCE/DEPLOYMENT, in the order in which they are asked", Arity = ArgumentArity.OneOrMore };
        return new Command("move", "Make an alias, or move it to other deployments") { name, targets }.Runs(async context =>
        {
            var snapshot = context.Files.Snapshot;
            if (AliasRules.NameProblem(context.Get(name)) is { } problem)
                throw new CommandException($"NAME: {problem}");
            Writable(context, context.Get(name));
            if (AliasRules.TargetsProblem(snapshot, context.Get(targets)) is { } wrong)
                throw new CommandException($"TARGET: {wrong}");
            var installation = await context.OpenOrMakeAsync();
            await installation.Store.Aliases.PutAsync(installation.Organization.Id, context.Get(name), context.Get(targets), context.Actor);
            var moved = (await AliasObject.ListAsync(installation.Store, installation.Organization.Id, snapshot)).First(a => a.Name == context.Get(name));
            context.Output.Done(moved, $"{moved.Name}: {string.Join(", ", moved.Targets)}.");
        });
    }

    private static Command Delete()
    {
        var name = Name();
        return new Command("delete", "Remove an alias") { name }.Runs(async context =>
        {
            Writable(context, context.Get(name));
            var installation = await context.OpenAsync();
            if (!await installation.Store.Aliases.DeleteAsync(installation.Organization.Id, context.Get(name), context.Actor))
                throw new CommandException($"There is no alias {context.Get(name)}. See: demarc alias list");
            context.Output.Done(new { Type = "alias_deleted", Name = context.Get(name) }, $"{context.Get(name)} is removed.");
        });
    }

    private static void Writable(CommandContext context, string name)
    {
        if (AliasRules.PlaceOf(context.Files.Snapshot, name) is { } place)
            throw new CommandException($"The configuration names {name} ({place}), so it is read-only here. Change it there.");
    }

    private static Argument<string> Name() => new("NAME") { Description = "The name clients ask for" };
}
