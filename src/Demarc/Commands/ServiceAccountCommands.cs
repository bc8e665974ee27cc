using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Identity;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc service-account</c>.</summary>
internal static class ServiceAccountCommands
{
    public static Command Create() => new("service-account", "Principals that are no person: CI, batch jobs") { New(), List(), Change("deactivate", "inactive"), Change("activate", "active") };

    private static Command New()
    {
        var name = new Argument<string>("NAME") { Description = "Unique in the organization" };
        var role = new Option<string>("--role") { Description = "What it may do beside what is assigned to it: developer (the default), or managed for nothing", DefaultValueFactory = _ => "developer" };
        role.AcceptOnlyFromAmong("developer", "managed");
        return new Command("create", "Make a service account") { name, role }.Runs(async context =>
        {
            if (PrincipalRules.NameProblem(context.Get(name)) is { } problem)
                throw new CommandException($"NAME: {problem}");
            var installation = await context.OpenOrMakeAsync();
            var account = await installation.Store.ServiceAccounts.CreateAsync(installation.Organization.Id, context.Get(name), context.Actor, context.Get(role)!)
                ?? throw new CommandException($"There is a service account {context.Get(name)} already. See: demarc service-account list");
            context.Output.Done(Shape(account), $"{account.Id}: {account.Name}. Make a key: demarc key create --service-account {account.Name} --name NAME");
        });
    }

    private static Command List() => new Command("list", "List the service accounts, newest first").Runs(async context =>
        context.Output.List(
            await new DirectoryLookup(await context.OpenAsync()).ServiceAccountsAsync(), Shape,
            "There are no service accounts yet. Make one: demarc service-account create NAME",
            ["id", "name", "status", "created"],
            a => [a.Id, a.Name, a.Status, Output.Minute(a.CreatedAt)]));

    private static Command Change(string verb, string status)
    {
        var name = new Argument<string>("NAME") { Description = "A name or a svac_… id; see demarc service-account list" };
        return new Command(verb, status == "inactive" ? "End its keys, tokens and running requests within five seconds" : "Let it in again, with the keys it has") { name }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var account = await new DirectoryLookup(installation).ServiceAccountAsync(context.Get(name)!);
            var changed = (await installation.Store.ServiceAccounts.UpdateAsync(installation.Organization.Id, account.Id, context.Actor, status: status))!;
            context.Output.Done(Shape(changed), $"{changed.Id}: {changed.Name} is {changed.Status}.");
        });
    }

    private static object Shape(ServiceAccount account) => new
    {
        account.Id,
        CreatedAt = Rfc3339.Text(account.CreatedAt),
        account.Name,
        account.Status,
        account.Role,
        Type = "service_account",
    };
}
