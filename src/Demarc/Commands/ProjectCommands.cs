using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Control.Identity;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc project</c>: what requests are for, which policies match.</summary>
internal static class ProjectCommands
{
    public static Command Create() => new("project", "Projects, which requests are for and policies match")
    {
        New(), List(), Members("add"), Members("remove"), Update(), Archive(),
    };

    private static Command New()
    {
        var name = new Argument<string>("NAME") { Description = "As requests and policies name it; unique in the organization" };
        var classification = new Option<string?>("--classification") { Description = "Of its data, in your own words; policies match it" };
        var workspace = new Option<string?>("--workspace") { Description = "The workspace it is in: a name or a wrkspc_… id; default the default one" };
        return new Command("create", "Make a project without members") { name, classification, workspace }.Runs(async context =>
        {
            Check(context.Get(name), context.Get(classification));
            var installation = await context.OpenOrMakeAsync();
            var of = context.Get(workspace) is { } w ? await new DirectoryLookup(installation).WorkspaceAsync(w) : null;
            var project = await installation.Store.Projects.CreateAsync(installation.Organization.Id, context.Get(name), context.Get(classification), of?.Id, context.Actor)
                ?? throw new CommandException($"There is a project {context.Get(name)} already. See: demarc project list");
            context.Output.Done(ProjectObject.Of(project, []), $"{project.Id}: {project.Name}. Add members: demarc project add \"{project.Name}\" EMAIL");
        });
    }

    private static Command List()
    {
        var archived = new Option<bool>("--archived") { Description = "Those that are archived too" };
        return new Command("list", "List the projects with their members, newest first") { archived }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var lookup = new DirectoryLookup(installation);
            var names = await NamesAsync(lookup);
            var workspaces = (await lookup.WorkspacesAsync(archivedToo: true)).ToDictionary(w => w.Id, w => w.Name);
            var projects = new List<(Project Project, string[] Members)>();
            foreach (var project in await lookup.ProjectsAsync(context.Get(archived)))
                projects.Add((project, await installation.Store.Projects.MembersAsync(project.OrganizationId, project.Id)));
            context.Output.List(
                projects, p => ProjectObject.Of(p.Project, p.Members),
                "There are no projects yet. Make one: demarc project create NAME",
                ["id", "name", "classification", "workspace", "members", "created", "archived"],
                p =>
                [
                    p.Project.Id, p.Project.Name, p.Project.DataClassification, p.Project.WorkspaceId is { } id ? workspaces.GetValueOrDefault(id, id) : null,
                    string.Join(", ", p.Members.Select(m => names.GetValueOrDefault(m, m))), Output.Minute(p.Project.CreatedAt), Output.Minute(p.Project.ArchivedAt),
                ]);
        });
    }

    private static Command Members(string verb) => MemberCommands.Create(
        verb, "project", "Addresses of users, names of service accounts and groups, or ids", (lookup, name) => lookup.MemberOrGroupAsync(name), async change =>
        {
            var project = await change.Lookup.ProjectAsync(change.Name);
            var projects = (await change.Context.OpenAsync()).Store.Projects;
            await projects.UpdateMembersAsync(project.OrganizationId, project.Id, change.Add, change.Remove, change.Context.Actor);
            var (members, names) = (await projects.MembersAsync(project.OrganizationId, project.Id), await NamesAsync(change.Lookup));
            return (ProjectObject.Of(project, members), project.Name, [.. members.Select(m => names.GetValueOrDefault(m, m))]);
        });

    private static Command Update()
    {
        var project = new Argument<string>("PROJECT") { Description = "A name or an id" };
        var name = new Option<string?>("--name") { Description = "Its new name" };
        var classification = new Option<string?>("--classification") { Description = "Of its data; an empty one takes it away" };
        return new Command("update", "Change a project's name or classification") { project, name, classification }.Runs(async context =>
        {
            Check(context.Get(name) ?? "-", context.Get(classification) is { Length: > 0 } c ? c : null);
            var installation = await context.OpenAsync();
            var found = await new DirectoryLookup(installation).ProjectAsync(context.Get(project));
            var (outcome, after) = await installation.Store.Projects.UpdateAsync(found.OrganizationId, found.Id, context.Actor, context.Get(name), context.Get(classification));
            if (after is null)
                throw new CommandException(outcome == NamingOutcome.NameTaken ? $"--name: another project is called {context.Get(name)}." : $"{found.Name} is archived.");
            context.Output.Done(
                ProjectObject.Of(after, await installation.Store.Projects.MembersAsync(after.OrganizationId, after.Id)),
                $"{after.Name}: {after.DataClassification ?? "no classification"}.");
        });
    }

    private static Command Archive()
    {
        var project = new Argument<string>("PROJECT") { Description = "A name or an id" };
        return new Command("archive", "End a project, for good") { project }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var found = await new DirectoryLookup(installation).ProjectAsync(context.Get(project));
            var ended = (await installation.Store.Projects.ArchiveAsync(found.OrganizationId, found.Id, context.Actor))!;
            context.Output.Done(
                ProjectObject.Of(ended, await installation.Store.Projects.MembersAsync(ended.OrganizationId, ended.Id)),
                $"{ended.Name} is archived: no request is for it any more.");
        });
    }

    private static void Check(string name, string? classification)
    {
        if (PrincipalRules.ProjectNameProblem(name) is { } problem)
            throw new CommandException($"NAME: {problem}");
        if (classification is not null && PrincipalRules.NameProblem(classification) is { } wrong)
            throw new CommandException($"--classification: {wrong}");
    }

    private static async Task<Dictionary<string, string>> NamesAsync(DirectoryLookup lookup)
    {
        var names = await lookup.NamesAsync();
        foreach (var group in await lookup.GroupsAsync())
            names[group.Id] = group.Name;
        return names;
    }
}
