using System.CommandLine;
using Demarc.Control.Identity.Roles;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc role</c>.</summary>
internal static class RoleCommands
{
    private static readonly Option<string?> Workspace = new("--workspace") { Description = "Only in this workspace: a name or a wrkspc_… id" };
    private static readonly Option<string?> Resource = new("--resource") { Description = "Only at this resource" };
    private static readonly Option<string?> Deployment = new("--deployment") { Description = "Only at this deployment: RESOURCE/DEPLOYMENT" };

    public static Command Create() => new("role", "Who may do what")
    {
        Definitions(), List(), Assign(), Revoke(), Show(), RoleRequestCommands.Ask(), RoleRequestCommands.List(), RoleRequestCommands.Approve(), RoleRequestCommands.Deny(),
    };

    private static Command Definitions() => new Command("definitions", "List the roles there are, and what they permit").Runs(context =>
    {
        context.Output.List(
            context.Files.Snapshot.Roles.Roles, RoleObject.Of, "There are no roles.", ["role", "permits", "from"],
            r => [r.Name, string.Join(' ', Permissions.NamesOf(r.Permissions)), r.Place ?? "built in"]);
        return Task.CompletedTask;
    });

    private static Command List() => new Command("list", "List who has which role, and where").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var lookup = new DirectoryLookup(installation);
        var names = (await lookup.NamesAsync()).Concat((await lookup.GroupsAsync()).Select(g => KeyValuePair.Create(g.Id, g.Name))).ToDictionary();
        RoleAssignmentObject[] all = [.. RoleAssignmentObject.Of(context.Files.Snapshot), .. (await installation.Store.RoleAssignments.ListAsync(installation.Organization.Id)).Select(RoleAssignmentObject.Of)];
        context.Output.List(
            all, a => a, "No role is assigned: people have the role of the directory, keys that of their kind. Assign one: demarc role assign ROLE WHO",
            ["id", "effect", "role", "who", "where", "ends", "from"],
            a => [a.Id, a.Effect, a.Role, string.Join(", ", a.Members.Select(m => names.GetValueOrDefault(m.Id, m.Id))), a.Scope.ToString(), a.ExpiresAt, a.Place ?? "data"]);
    });

    private static Command Assign()
    {
        var (role, who) = (Role(), Who());
        var deny = new Option<bool>("--deny") { Description = "Take away what the role permits, whatever else permits it" };
        return new Command("assign", "Give a role to a person, a service account or a group") { role, who, Workspace, Resource, Deployment, deny }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var snapshot = context.Files.Snapshot;
            if (RoleRules.RoleProblem(snapshot, context.Get(role)) is { } problem)
                throw new CommandException($"ROLE: {problem}");
            var scope = await ScopeAsync(context, context.Get(role));
            context.NeedsNoSecond("roles");
            var id = await new DirectoryLookup(installation).MemberOrGroupAsync(context.Get(who));
            var made = await installation.Store.RoleAssignments.AssignAsync(
                installation.Organization.Id, new NewRoleAssignment(context.Get(role), context.Get(deny), TypeOf(id), id, scope), context.Actor)
                ?? throw new CommandException($"{context.Get(who)} has this already. See: demarc role list");
            context.Output.Done(RoleAssignmentObject.Of(made), $"{made.Id}: {context.Get(who)} {(context.Get(deny) ? "is denied" : "has")} {made.Role} ({made.At}).");
        });
    }

    private static Command Revoke()
    {
        var id = new Argument<string>("ID") { Description = "rasg_…; see demarc role list" };
        return new Command("revoke", "Take a role back; it no longer holds within five seconds") { id }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            if (Array.Find(RoleAssignmentObject.Of(context.Files.Snapshot), a => a.Id == context.Get(id)) is { } configured)
                throw new CommandException($"The configuration gives this role ({configured.Place}), so it is read-only here. Change it there.");
            context.NeedsNoSecond("roles");
            if (!await installation.Store.RoleAssignments.RevokeAsync(installation.Organization.Id, context.Get(id), context.Actor))
                throw new CommandException($"There is no role assignment {context.Get(id)}. See: demarc role list");
            context.Output.Done(new { Type = "role_assignment_deleted", Id = context.Get(id) }, $"{context.Get(id)} is taken back.");
        });
    }

    private static Command Show()
    {
        var who = new Argument<string>("WHO") { Description = "A person or a service account: an address, a name or an id" };
        return new Command("show", "Show what somebody may do, and why") { who }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var roles = context.Files.Snapshot.Roles;
            var id = await new DirectoryLookup(installation).MemberAsync(context.Get(who));
            var member = (await installation.Store.Principals.MembersAsync(installation.Organization.Id, [id], roles)).Single();
            if (!context.Output.IsJson)
                Console.Error.WriteLine($"{member.Name}, {member.Status}: {(member.Access.AsksEverywhere ? "asks every deployment" : member.Access.AsksSomewhere ? "asks some deployments" : "asks no model")}; permitted: {string.Join(' ', Permissions.NamesOf(member.Access.Organization))}");
            context.Output.List(
                member.Access.Grants, g => new { g.Role, Effect = g.Deny ? "deny" : "allow", Scope = ScopeObject.Of(g.Scope), g.By, ExpiresAt = g.Until, Permissions = Permissions.NamesOf(g.Effective) },
                $"{member.Name} has no role.", ["effect", "role", "where", "by", "ends", "permits"],
                g => [g.Deny ? "deny" : "allow", g.Role, g.Scope.ToString(), g.By, Output.Minute(g.Until?.ToUnixTimeMilliseconds()), string.Join(' ', Permissions.NamesOf(g.Effective))]);
        });
    }

    /// <summary>The scope that the options name, checked.</summary>
    public static async Task<RoleScope> ScopeAsync(CommandContext context, string role)
    {
        string?[] given = [context.Get(Workspace), context.Get(Resource), context.Get(Deployment)];
        if (given.Count(g => g is not null) > 1)
            throw new CommandException("A role holds in one place: give one of --workspace, --resource and --deployment, or none for the whole organization.");
        var scope = given[0] is { } workspace ? new RoleScope(ScopeKind.Workspace, (await new DirectoryLookup(await context.OpenAsync()).WorkspaceAsync(workspace)).Id)
            : given[1] is { } resource ? new RoleScope(ScopeKind.Resource, resource)
            : given[2] is { } deployment ? new RoleScope(ScopeKind.Deployment, deployment)
            : RoleScope.Organization;
        return RoleRules.ScopeProblem(context.Files.Snapshot, role, scope) is { } problem ? throw new CommandException($"--{RoleScope.Wire(scope.Kind)}: {problem}") : scope;
    }

    public static Argument<string> Role() => new("ROLE") { Description = "See demarc role definitions" };

    /// <summary>The options of <see cref="ScopeAsync"/>.</summary>
    public static IEnumerable<Option> Scopes => [Workspace, Resource, Deployment];

    private static Argument<string> Who() => new("WHO") { Description = "A person, a service account or a group: an address, a name or an id" };

    private static string TypeOf(string id) =>
        id.StartsWith(Ids.User, StringComparison.Ordinal) ? "user" : id.StartsWith(Ids.ServiceAccount, StringComparison.Ordinal) ? "service_account" : "group";
}
