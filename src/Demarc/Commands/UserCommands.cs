using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Identity;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc user</c>.</summary>
internal static class UserCommands
{
    public static Command Create() => new("user", "People")
    {
        New(),
        List(),
        Set(),
        Status("deactivate", "End what a person may do: their keys do not hold any more", "inactive"),
        Status("activate", "Let a person in again, with the keys they had", "active"),
    };

    private static Command New()
    {
        var email = new Argument<string>("EMAIL") { Description = "The person's address" };
        var name = new Option<string?>("--name") { Description = "The person's name; default the address" };
        var role = new Option<string>("--role") { Description = "The person's role", DefaultValueFactory = _ => "developer" };
        role.AcceptOnlyFromAmong(PrincipalRules.Roles);
        return new Command("create", "Make a person known") { email, name, role }.Runs(async context =>
        {
            var address = context.Get(email);
            if (PrincipalRules.EmailProblem(address) is { } wrong)
                throw new CommandException($"EMAIL: {wrong}");
            if (PrincipalRules.NameProblem(context.Get(name) ?? address) is { } problem)
                throw new CommandException($"--name: {problem}");
            var installation = await context.OpenOrMakeAsync();
            var user = await installation.Store.Users.CreateAsync(
                installation.Organization.Id, address, context.Get(name) ?? address, context.Get(role)!, context.Actor)
                ?? throw new CommandException($"There is a user {address} already. See: demarc user list");
            context.Output.Done(Shape(user), $"{user.Id}: {user.Email}, {user.Role}. Make a key: demarc key create --user {user.Email} --name NAME");
        });
    }

    private static Command List() => new Command("list", "List the people, newest first").Runs(async context =>
        context.Output.List(
            await new DirectoryLookup(await context.OpenAsync()).UsersAsync(), Shape,
            "There are no users yet. Make one: demarc user create EMAIL",
            ["id", "email", "name", "role", "status", "cost center", "added"],
            u => [u.Id, u.Email, u.Name, u.Role, u.Status, u.CostCenter, Output.Minute(u.CreatedAt)]));

    private static Command Set()
    {
        var user = new Argument<string>("USER") { Description = "An address or a user_… id" };
        var center = new Option<string?>("--cost-center") { Description = "Who pays for what the person spends; empty for nobody named" };
        var role = new Option<string?>("--role") { Description = "The person's role in the directory; managed for nothing but what is assigned" };
        role.AcceptOnlyFromAmong(PrincipalRules.Roles);
        return new Command("set", "Say more of a person") { user, center, role }.Runs(async context =>
        {
            var name = context.Get(center)?.Trim();
            if (name is null && context.Get(role) is null)
                throw new CommandException("Say what of the person: --cost-center or --role.");
            if (name?.Length > 0 && PrincipalRules.NameProblem(name) is { } problem)
                throw new CommandException($"--cost-center: {problem}");
            if (context.Get(role) is not null)
                context.NeedsNoSecond("roles");
            var installation = await context.OpenAsync();
            var found = await new DirectoryLookup(installation).UserAsync(context.Get(user));
            found = (await installation.Store.Users.UpdateAsync(installation.Organization.Id, found.Id, context.Actor, role: context.Get(role), costCenter: name))!;
            context.Output.Done(Shape(found), $"{found.Email}: {found.Role}, {(found.CostCenter is { } held ? $"cost center {held}" : "no cost center")}.");
        });
    }

    private static Command Status(string command, string description, string status)
    {
        var user = new Argument<string>("USER") { Description = "An address or a user_… id" };
        return new Command(command, description) { user }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var found = await new DirectoryLookup(installation).UserAsync(context.Get(user));
            if (found.Status != status)
                found = (await installation.Store.Users.UpdateAsync(installation.Organization.Id, found.Id, context.Actor, status: status))!;
            context.Output.Done(Shape(found), $"{found.Email} is {found.Status}.");
        });
    }

    private static object Shape(User user) => new
    {
        user.Id,
        AddedAt = Rfc3339.Text(user.CreatedAt),
        user.Email,
        user.Name,
        user.Role,
        user.Status,
        user.CostCenter,
        Type = "user",
    };
}
