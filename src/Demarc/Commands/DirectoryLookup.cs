using Demarc.Governance.Identity;
using Demarc.Serving;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary>Finds people, service accounts and groups by what people call them, or by id.</summary>
internal sealed class DirectoryLookup(Installation installation)
{
    private readonly Store _store = installation.Store;
    private readonly string _organization = installation.Organization.Id;

    public Task<User[]> UsersAsync() => Pages.AllAsync(page => _store.Users.ListAsync(_organization, page), u => u.Id);

    public Task<ServiceAccount[]> ServiceAccountsAsync() => Pages.AllAsync(page => _store.ServiceAccounts.ListAsync(_organization, page), a => a.Id);

    public Task<Group[]> GroupsAsync() => Pages.AllAsync(page => _store.Groups.ListAsync(_organization, page), g => g.Id);

    public Task<Workspace[]> WorkspacesAsync(bool archivedToo = false) => Pages.AllAsync(page => _store.Workspaces.ListAsync(_organization, page, archivedToo), w => w.Id);

    public Task<WorkspaceMember[]> WorkspaceMembersAsync(string workspaceId) => Pages.AllAsync(page => _store.Workspaces.MembersAsync(_organization, workspaceId, page), m => m.UserId);

    public Task<Project[]> ProjectsAsync(bool archivedToo = false) => Pages.AllAsync(page => _store.Projects.ListAsync(_organization, page, archivedToo), p => p.Id);

    public Task<StoredApiKey[]> KeysAsync() => Pages.AllAsync(page => _store.ApiKeys.ListAsync(_organization, new ApiKeyFilter(), page), k => k.Id);

    /// <param name="emailOrId">An address, or <c>user_…</c>.</param>
    public async Task<User> UserAsync(string emailOrId) =>
        await FindUserAsync(emailOrId) ?? throw new CommandException($"There is no user {emailOrId}. See: demarc user list");

    /// <param name="nameOrId">A name, or <c>svac_…</c>.</param>
    public async Task<ServiceAccount> ServiceAccountAsync(string nameOrId) =>
        (await ServiceAccountsAsync()).FirstOrDefault(a => a.Id == nameOrId || a.Name == nameOrId)
        ?? throw new CommandException($"There is no service account {nameOrId}. See: demarc service-account list");

    /// <param name="nameOrId">A name, or <c>rbac_group_…</c>.</param>
    public async Task<Group> GroupAsync(string nameOrId) =>
        (await GroupsAsync()).FirstOrDefault(g => g.Id == nameOrId || g.Name == nameOrId)
        ?? throw new CommandException($"There is no group {nameOrId}. See: demarc group list");

    /// <param name="nameOrId">A name, or <c>wrkspc_…</c>.</param>
    public async Task<Workspace> WorkspaceAsync(string nameOrId) =>
        (await WorkspacesAsync()).FirstOrDefault(w => w.Id == nameOrId || w.Name == nameOrId)
        ?? throw new CommandException($"There is no workspace {nameOrId}. See: demarc workspace list");

    /// <param name="nameOrId">A name, or <c>claude_proj_…</c>.</param>
    public async Task<Project> ProjectAsync(string nameOrId) =>
        (await ProjectsAsync()).FirstOrDefault(p => p.Id == nameOrId || p.Name == nameOrId)
        ?? throw new CommandException($"There is no project {nameOrId}. See: demarc project list");

    /// <summary>The id of a user, a service account or a group.</summary>
    public async Task<string> MemberOrGroupAsync(string name) =>
        (await GroupsAsync()).FirstOrDefault(g => g.Id == name || g.Name == name)?.Id is { } group && await FindUserAsync(name) is null ? group : await MemberAsync(name);

    /// <summary>The id of a user or a service account.</summary>
    public async Task<string> MemberAsync(string name) =>
        (await FindUserAsync(name))?.Id
        ?? (await ServiceAccountsAsync()).FirstOrDefault(a => a.Id == name || a.Name == name)?.Id
        ?? throw new CommandException($"There is neither a user nor a service account {name}. See: demarc user list, demarc service-account list");

    /// <summary>Who a user or a service account is to the policies now.</summary>
    /// <param name="workspaceId">The workspace of the key that it asks with; null for the default one, or one that is no more.</param>
    public async Task<Principal> PrincipalAsync(string person, string? workspaceId = null)
    {
        var id = await MemberAsync(person);
        var user = await _store.Users.GetAsync(_organization, id);
        var groups = new List<string>();
        foreach (var group in await GroupsAsync())
        {
            if ((await _store.Groups.MembersAsync(_organization, group.Id)).Contains(id))
                groups.Add(group.Name);
        }
        return new Principal
        {
            OrganizationId = _organization,
            Type = user is null ? "service_account" : "user",
            Id = id,
            Email = user?.Email,
            Name = user?.Name ?? person,
            Groups = [.. groups],
            Workspace = workspaceId is not null && await _store.Workspaces.GetAsync(_organization, workspaceId) is { } workspace ? new WorkspaceSnapshot(workspace.Id, workspace.Name) : null,
            Projects = await _store.Projects.OfMemberAsync(id),
            KeyId = "",
            KeyKind = ApiKeyKind.Inference,
        };
    }

    /// <summary>Addresses of users and names of service accounts, by id.</summary>
    public async Task<Dictionary<string, string>> NamesAsync() =>
        (await UsersAsync()).Select(u => (u.Id, Name: u.Email))
            .Concat((await ServiceAccountsAsync()).Select(a => (a.Id, a.Name)))
            .ToDictionary(p => p.Id, p => p.Name);

    private async Task<User?> FindUserAsync(string emailOrId) =>
        await _store.Users.GetByEmailAsync(_organization, emailOrId) ?? await _store.Users.GetAsync(_organization, emailOrId);
}
