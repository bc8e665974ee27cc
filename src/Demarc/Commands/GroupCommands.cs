using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Identity;
using Demarc.Control.Identity.Roles;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc group</c>: what policies match.</summary>
internal static class GroupCommands
{
    public static Command Create() => new("group", "Groups, which policies match") { New(), List(), Members("add"), Members("remove") };

    private static Command New()
    {
        var name = new Argument<string>("NAME") { Description = "As policies name it; unique in the organization" };
        return new Command("create", "Make an empty group") { name }.Runs(async context =>
        {
            if (PrincipalRules.NameProblem(context.Get(name)) is { } problem)
                throw new CommandException($"NAME: {problem}");
            var installation = await context.OpenOrMakeAsync();
            var group = await installation.Store.Groups.CreateAsync(installation.Organization.Id, context.Get(name), context.Actor)
                ?? throw new CommandException($"There is a group {context.Get(name)} already. See: demarc group list");
            context.Output.Done(Shape(group, []), $"{group.Id}: {group.Name}. Add members: demarc group add {group.Name} EMAIL");
        });
    }

    private static Command List() => new Command("list", "List the groups with their members, newest first").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var lookup = new DirectoryLookup(installation);
        var names = await lookup.NamesAsync();
        var groups = new List<(Group Group, string[] Members)>();
        foreach (var group in await lookup.GroupsAsync())
            groups.Add((group, await MembersAsync(installation.Store.Groups, group, names)));
        context.Output.List(
            groups, g => Shape(g.Group, g.Members),
            "There are no groups yet. Make one: demarc group create NAME",
            ["id", "name", "members", "created"],
            g => [g.Group.Id, g.Group.Name, string.Join(", ", g.Members), Output.Minute(g.Group.CreatedAt)]);
    });

    private static Command Members(string verb) => MemberCommands.Create(
        verb, "group", "Addresses of users, names of service accounts, or ids", (lookup, name) => lookup.MemberAsync(name), async change =>
        {
            var group = await change.Lookup.GroupAsync(change.Name);
            var store = (await change.Context.OpenAsync()).Store;
            var groups = store.Groups;
            if ((await GroupRoles.OfAsync(store, change.Context.Files.Snapshot.Roles, group.OrganizationId, group.Id, group.Name)).Length > 0)
                change.Context.NeedsNoSecond("roles");
            await groups.UpdateMembersAsync(group.OrganizationId, group.Id, change.Add, change.Remove, change.Context.Actor);
            var now = await MembersAsync(groups, group, await change.Lookup.NamesAsync());
            return (Shape(group, now), group.Name, now);
        });

    private static async Task<string[]> MembersAsync(Groups groups, Group group, Dictionary<string, string> names) =>
        [.. (await groups.MembersAsync(group.OrganizationId, group.Id)).Select(id => names.GetValueOrDefault(id, id))];

    private static object Shape(Group group, string[] members) => new
    {
        group.Id,
        CreatedAt = Rfc3339.Text(group.CreatedAt),
        group.Name,
        Members = members,
        Type = "group",
    };
}
