using Demarc.Control.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>A project on the wire: Demarc's own.</summary>
/// <param name="Members">Ids of people, service accounts and groups.</param>
public sealed record ProjectObject(
    string Id, string? ArchivedAt, string CreatedAt, string? DataClassification, string[] Members, string Name, string Type, string? WorkspaceId)
{
    public static ProjectObject Of(Project project, string[] members) => new(
        project.Id, Rfc3339.Text(project.ArchivedAt), Rfc3339.Text(project.CreatedAt), project.DataClassification, members, project.Name, "project", project.WorkspaceId);
}

/// <summary><c>/v1/organizations/projects</c>: Demarc's own.</summary>
public sealed class ProjectEndpoints(Store store)
{
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no project with this id. GET /v1/organizations/projects lists them.");
    private static readonly AdminAnswer Taken = AdminAnswer.Conflict("name: another project has this name.");
    private static readonly AdminAnswer Archived = AdminAnswer.Conflict("This project is archived, for good: nothing of it can be changed.");

    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Governance.Identity.Ids.Project);
        if (problem is not null)
            return problem;
        var found = await store.Projects.ListAsync(request.OrganizationId, page, request.Asks("include_archived"));
        var shapes = await Task.WhenAll(found.Data.Select(ShapeAsync));
        return AdminAnswer.Page(new Page<ProjectObject>(shapes, found.HasMore), p => p, p => p.Id);
    }

    /// <summary>Makes a project without members: <c>{name, data_classification?, workspace_id?}</c>. 409 when the name is taken.</summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "name", "data_classification", "workspace_id");
        var name = body.Required("name", PrincipalRules.ProjectNameProblem);
        var classification = body.Text("data_classification", PrincipalRules.NameProblem);
        var workspace = await body.WorkspaceAsync("workspace_id", store, request.OrganizationId);
        if (body.Problem is not null)
            return body.Problem;
        return await store.Projects.CreateAsync(request.OrganizationId, name, classification, workspace?.Id, request.Actor) is { } made
            ? AdminAnswer.Of(ProjectObject.Of(made, []))
            : Taken;
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        await FindAsync(request) is { } project ? AdminAnswer.Of(await ShapeAsync(project)) : Unknown;

    /// <summary>Changes name and classification; an empty classification takes it away.</summary>
    public async Task<AdminAnswer> UpdateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "name", "data_classification");
        var name = body.Text("name", PrincipalRules.ProjectNameProblem);
        var classification = body.Text("data_classification", c => c.Length == 0 ? null : PrincipalRules.NameProblem(c));
        if (body.Problem is not null)
            return body.Problem;
        if (await FindAsync(request) is not { } project)
            return Unknown;
        var (outcome, after) = await store.Projects.UpdateAsync(request.OrganizationId, project.Id, request.Actor, name, classification);
        return outcome == NamingOutcome.NameTaken ? Taken : after is null ? Archived : AdminAnswer.Of(await ShapeAsync(after));
    }

    /// <summary>Ends the project, for good.</summary>
    public async Task<AdminAnswer> ArchiveAsync(AdminRequest request) =>
        await FindAsync(request) is { } project
            ? AdminAnswer.Of(await ShapeAsync((await store.Projects.ArchiveAsync(request.OrganizationId, project.Id, request.Actor))!))
            : Unknown;

    /// <summary>Adds a person, a service account or a group by id; one that is a member stays one.</summary>
    public async Task<AdminAnswer> PutMemberAsync(AdminRequest request)
    {
        var member = request.Path("member_id");
        return await store.Users.GetAsync(request.OrganizationId, member) is null
            && await store.ServiceAccounts.GetAsync(request.OrganizationId, member) is null
            && await store.Groups.GetAsync(request.OrganizationId, member) is null
            ? AdminAnswer.NotFound("There is no user, service account or group with this id.")
            : await ChangeAsync(request, [member], []);
    }

    /// <summary>Removes a member; one that is none stays none.</summary>
    public Task<AdminAnswer> RemoveMemberAsync(AdminRequest request) => ChangeAsync(request, [], [request.Path("member_id")]);

    private async Task<AdminAnswer> ChangeAsync(AdminRequest request, string[] add, string[] remove)
    {
        if (await FindAsync(request) is not { } project)
            return Unknown;
        if (project.ArchivedAt is not null)
            return Archived;
        await store.Projects.UpdateMembersAsync(request.OrganizationId, project.Id, add, remove, request.Actor);
        return AdminAnswer.Of(await ShapeAsync(project));
    }

    private Task<Project?> FindAsync(AdminRequest request) => store.Projects.GetAsync(request.OrganizationId, request.Path("id"));

    private async Task<ProjectObject> ShapeAsync(Project project) =>
        ProjectObject.Of(project, await store.Projects.MembersAsync(project.OrganizationId, project.Id));
}
