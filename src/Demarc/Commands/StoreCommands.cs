using System.CommandLine;
using Demarc.Control.Configuration;
using Demarc.Serving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Commands;

/// <summary><c>demarc store migrate</c>: by the role that owns the tables, so that the one that serves need not.</summary>
internal static class StoreCommands
{
    public static Command Create()
    {
        var owner = new Option<string?>("--as") { Description = "postgres://OWNER:${NAME}@HOST:PORT/DATABASE of the same database; default the configuration's store. ${…} as in a configuration" };
        var role = new Option<string?>("--grant-to") { Description = "A role that serves: may read and write, and change no table" };
        return new Command("store", "The PostgreSQL store's tables")
        {
            new Command("migrate", "Bring the tables to what this program needs") { owner, role }.Runs(async context =>
            {
                var files = context.Files;
                if (files.Config.Store is not PostgresStoreConfig served)
                    throw new CommandException("The embedded store is brought up to date when it is opened: there is nothing to do.");
                var (store, problem) = context.Get(owner) is { } address ? ConfigFile.ReadStore(address, files.Sources) : (served, null);
                if (store is null)
                    throw new CommandException($"--as: {problem}");
                if (PlaceOf(store) != PlaceOf(served))
                    throw new CommandException($"--as names {PlaceOf(store)}, and the configuration's store is at {PlaceOf(served)}: give the same host, port and database.");
                // Opening it does it, under a lock that others wait for.
                await using var installation = await Installation.OpenAsync(files with { Config = files.Config with { Store = store } }, context.Time, NullLoggerFactory.Instance, context.Actor);
                if (context.Get(role) is { } name)
                    await installation.Store.GrantAsync(name);
                await installation.Store.RecordAsync(installation.Organization.Id, context.Actor, "demarc_store_migrated", new() { ["store"] = store.Address, ["granted_to"] = context.Get(role) });
                context.Output.Done(
                    new { Store = store.Address, GrantedTo = context.Get(role) },
                    $"{store.Address} is as this program needs it{(context.Get(role) is { } to ? $", and {to} may serve from it" : "")}.");
            }),
        };
    }

    // As the address has it, without the role.
    private static string PlaceOf(PostgresStoreConfig store) => store.Address[(store.Address.IndexOf('@', StringComparison.Ordinal) + 1)..];
}
