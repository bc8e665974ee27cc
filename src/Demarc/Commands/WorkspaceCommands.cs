using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Identity;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc workspace</c>: what keys and projects belong to, which policies match.</summary>
internal static class WorkspaceCommands
{
    public static Command Create() => new("workspace", "Workspaces, which keys and projects belong to and policies match")
    {
        New(), List(), Show(), Add(), Remove(), Archive(),
    };

    private static Command New()
    {
        var name = new Argument<string>("NAME") { Description = "As policies name it; unique in the organization" };
        return new Command("create", "Make a workspace") { name }.Runs(async context =>
        {
            if (PrincipalRules.NameProblem(context.Get(name)) is { } problem)
                throw new CommandException($"NAME: {problem}");
            var installation = await context.OpenOrMakeAsync();
            var workspace = await installation.Store.Workspaces.CreateAsync(installation.Organization.Id, context.Get(name), new Dictionary<string, string>(), context.Actor)
                ?? throw new CommandException($"There is a workspace {context.Get(name)} already. See: demarc workspace list");
            context.Output.Done(WorkspaceObject.Of(workspace), $"{workspace.Id}: {workspace.Name}. Make a key in it: demarc key create --workspace \"{workspace.Name}\" --user EMAIL --name NAME");
        });
    }

    private static Command List()
    {
        var archived = new Option<bool>("--archived") { Description = "Those that are archived too" };
        return new Command("list", "List the workspaces, newest first") { archived }.Runs(async context =>
            context.Output.List(
                await new DirectoryLookup(await context.OpenAsync()).WorkspacesAsync(context.Get(archived)), WorkspaceObject.Of,
                "There are no workspaces yet, so that all is in the default one. Make one: demarc workspace create NAME",
                ["id", "name", "created", "archived"],
                w => [w.Id, w.Name, Output.Minute(w.CreatedAt), Output.Minute(w.ArchivedAt)]));
    }

    private static Command Show()
    {
        var workspace = Named();
        return new Command("members", "List the members of a workspace with their roles") { workspace }.Runs(async context =>
        {
            var lookup = new DirectoryLookup(await context.OpenAsync());
            var found = await lookup.WorkspaceAsync(context.Get(workspace));
            var names = await lookup.NamesAsync();
            context.Output.List(
                await lookup.WorkspaceMembersAsync(found.Id), WorkspaceMemberObject.Of, $"{found.Name} has no members. Add one: demarc workspace add \"{found.Name}\" EMAIL",
                ["id", "member", "role"],
                m => [m.UserId, names.GetValueOrDefault(m.UserId, m.UserId), m.Role]);
        });
    }

    private static Command Add()
    {
        var (workspace, user) = (Named(), Person());
        var role = new Option<string>("--role") { Description = "The person's role there", DefaultValueFactory = _ => "workspace_developer" };
        role.AcceptOnlyFromAmong(PrincipalRules.WorkspaceRoles);
        return new Command("add", "Add a person to a workspace, or give a member another role") { workspace, user, role }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var lookup = new DirectoryLookup(installation);
            var (found, person) = (await lookup.WorkspaceAsync(context.Get(workspace)), await lookup.UserAsync(context.Get(user)));
            await installation.Store.Workspaces.PutMemberAsync(found.OrganizationId, found.Id, person.Id, context.Get(role)!, context.Actor);
            context.Output.Done(
                WorkspaceMemberObject.Of(new WorkspaceMember { WorkspaceId = found.Id, UserId = person.Id, Role = context.Get(role)! }), $"{person.Email} is {context.Get(role)} of {found.Name}.");
        });
    }

    private static Command Remove()
    {
        var (workspace, user) = (Named(), Person());
        return new Command("remove", "Remove a person from a workspace") { workspace, user }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var lookup = new DirectoryLookup(installation);
            var (found, person) = (await lookup.WorkspaceAsync(context.Get(workspace)), await lookup.UserAsync(context.Get(user)));
            if (!await installation.Store.Workspaces.RemoveMemberAsync(found.OrganizationId, found.Id, person.Id, context.Actor))
                throw new CommandException($"{person.Email} is no member of {found.Name}. See: demarc workspace members \"{found.Name}\"");
            context.Output.Done(new { Type = "workspace_member_deleted", UserId = person.Id, WorkspaceId = found.Id }, $"{person.Email} is no member of {found.Name} any more.");
        });
    }

    private static Command Archive()
    {
        var workspace = Named();
        return new Command("archive", "End a workspace with its keys and projects, for good") { workspace }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var found = await new DirectoryLookup(installation).WorkspaceAsync(context.Get(workspace));
            var ended = (await installation.Store.Workspaces.ArchiveAsync(found.OrganizationId, found.Id, context.Actor))!;
            context.Output.Done(WorkspaceObject.Of(ended), $"{ended.Name} is archived, and its keys do not hold any more.");
        });
    }

    private static Argument<string> Named() => new("WORKSPACE") { Description = "A name or a wrkspc_… id" };

    private static Argument<string> Person() => new("USER") { Description = "An address or a user_… id" };
}
