using Demarc.Control.Identity;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>
/// <c>/v1/organizations/workspaces</c> and its members (Admin API, "Workspaces"). The default workspace is none of them: keys and
/// requests in it have null for a workspace.
/// </summary>
public sealed class WorkspaceEndpoints(Store store)
{
    private const int MostTags = 50;

    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no workspace with this id. GET /v1/organizations/workspaces lists them.");
    private static readonly AdminAnswer NoMember = AdminAnswer.NotFound("This user is no member of this workspace.");
    private static readonly AdminAnswer Taken = AdminAnswer.Conflict("name: another workspace has this name.");
    private static readonly AdminAnswer Archived = AdminAnswer.Conflict("This workspace is archived, for good: nothing of it can be changed.");

    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.Workspace);
        return problem ?? AdminAnswer.Page(
            await store.Workspaces.ListAsync(request.OrganizationId, page, request.Asks("include_archived")), WorkspaceObject.Of, w => w.Id);
    }

    /// <summary>Makes a workspace: <c>{name, tags?}</c>. 409 when the name is taken.</summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "name", "tags", "data_residency", "external_key_id");
        var name = body.Required("name", PrincipalRules.NameProblem);
        var tags = Tags(body);
        return body.Problem
            ?? (await store.Workspaces.CreateAsync(request.OrganizationId, name, tags ?? [], request.Actor) is { } made ? AdminAnswer.Of(WorkspaceObject.Of(made)) : Taken);
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        await FindAsync(request) is { } workspace ? AdminAnswer.Of(WorkspaceObject.Of(workspace)) : Unknown;

    /// <summary>Changes name and tags.</summary>
    public async Task<AdminAnswer> UpdateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "name", "tags", "data_residency", "external_key_id");
        var name = body.Text("name", PrincipalRules.NameProblem);
        var tags = Tags(body);
        if (body.Problem is not null)
            return body.Problem;
        if (await FindAsync(request) is not { } workspace)
            return Unknown;
        var (outcome, after) = await store.Workspaces.UpdateAsync(request.OrganizationId, workspace.Id, request.Actor, name, tags);
        return outcome switch
        {
            NamingOutcome.NameTaken => Taken,
            NamingOutcome.Absent => Archived,
            _ => AdminAnswer.Of(WorkspaceObject.Of(after!)),
        };
    }

    /// <summary>Ends the workspace with its keys and projects, for good.</summary>
    public async Task<AdminAnswer> ArchiveAsync(AdminRequest request) =>
        await FindAsync(request) is { } workspace
            ? AdminAnswer.Of(WorkspaceObject.Of((await store.Workspaces.ArchiveAsync(request.OrganizationId, workspace.Id, request.Actor))!))
            : Unknown;

    public async Task<AdminAnswer> ListMembersAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.User);
        return problem ?? (await FindAsync(request) is not { } workspace ? Unknown : AdminAnswer.Page(
            await store.Workspaces.MembersAsync(request.OrganizationId, workspace.Id, page), WorkspaceMemberObject.Of, m => m.UserId));
    }

    /// <summary>Adds a person: <c>{user_id, workspace_role}</c>. 409 for a member.</summary>
    public async Task<AdminAnswer> AddMemberAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "user_id", "workspace_role");
        var user = body.Required("user_id");
        var role = body.Required("workspace_role", PrincipalRules.WorkspaceRoleProblem);
        if (body.Problem is null && !(Ids.TryParse(Ids.User, user, out _) && await store.Users.GetAsync(request.OrganizationId, user) is not null))
            body.Wrong("user_id", "there is no such user. GET /v1/organizations/users lists them.");
        if (body.Problem is not null)
            return body.Problem;
        return await FindAsync(request) is not { } workspace ? Unknown
            : workspace.ArchivedAt is not null ? Archived
            : await store.Workspaces.MemberAsync(request.OrganizationId, workspace.Id, user) is not null ? AdminAnswer.Conflict("user_id: this user is a member already.")
            : await PutAsync(request, workspace.Id, user, role);
    }

    public async Task<AdminAnswer> GetMemberAsync(AdminRequest request) =>
        await FindMemberAsync(request) is { } member ? AdminAnswer.Of(WorkspaceMemberObject.Of(member)) : NoMember;

    /// <summary>Gives a member another role: <c>{workspace_role}</c>.</summary>
    public async Task<AdminAnswer> UpdateMemberAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "workspace_role");
        var role = body.Required("workspace_role", PrincipalRules.WorkspaceRoleProblem);
        return body.Problem ?? (await FindMemberAsync(request) is { } member ? await PutAsync(request, member.WorkspaceId, member.UserId, role) : NoMember);
    }

    /// <summary>Removes a person: <c>{"type":"workspace_member_deleted","user_id","workspace_id"}</c>.</summary>
    public async Task<AdminAnswer> RemoveMemberAsync(AdminRequest request)
    {
        var (workspace, user) = (request.Path("id"), request.Path("user_id"));
        return await store.Workspaces.RemoveMemberAsync(request.OrganizationId, workspace, user, request.Actor)
            ? AdminAnswer.Of(new { Type = "workspace_member_deleted", UserId = user, WorkspaceId = workspace })
            : NoMember;
    }

    private async Task<AdminAnswer> PutAsync(AdminRequest request, string workspace, string user, string role)
    {
        await store.Workspaces.PutMemberAsync(request.OrganizationId, workspace, user, role, request.Actor);
        return AdminAnswer.Of(WorkspaceMemberObject.Of(new WorkspaceMember { WorkspaceId = workspace, UserId = user, Role = role }));
    }

    private Task<Workspace?> FindAsync(AdminRequest request) => store.Workspaces.GetAsync(request.OrganizationId, request.Path("id"));

    private Task<WorkspaceMember?> FindMemberAsync(AdminRequest request) =>
        store.Workspaces.MemberAsync(request.OrganizationId, request.Path("id"), request.Path("user_id"));

    private static Dictionary<string, string>? Tags(BodyFields body)
    {
        if (body.Has("data_residency"))
            body.Wrong("data_residency", "geography is a matter of policy here: a policy that matches the workspace requires inference and at_rest. Leave it out.");
        if (body.Has("external_key_id"))
            body.Wrong("external_key_id", "content is sealed with keys of this installation. Leave it out.");
        var tags = body.Map("tags");
        if (tags?.Keys.FirstOrDefault(k => k.StartsWith("anthropic", StringComparison.Ordinal) || PrincipalRules.NameProblem(k) is not null) is { } key)
            body.Wrong("tags", $"{Configuration.ConfigText.Quote(key)} cannot be a key: keys are visible, and do not begin with anthropic.");
        if (tags?.Count > MostTags)
            body.Wrong("tags", $"give at most {MostTags}.");
        return tags;
    }
}
