using Demarc.Governance.Identity;
using Demarc.Storage;

namespace Demarc.Control.Retention;

/// <summary>Who everybody is to the policies now, read once for many sessions.</summary>
internal sealed class Roster
{
    private readonly Dictionary<string, string> _addresses;
    private readonly ILookup<string, string> _groups;
    private readonly Dictionary<string, WorkspaceSnapshot> _workspaces;
    private readonly Dictionary<string, ProjectSnapshot> _projects;
    private readonly Dictionary<(string, string?, string?), Principal> _principals = [];

    private Roster(Dictionary<string, string> addresses, ILookup<string, string> groups, Dictionary<string, WorkspaceSnapshot> workspaces, Dictionary<string, ProjectSnapshot> projects) =>
        (_addresses, _groups, _workspaces, _projects) = (addresses, groups, workspaces, projects);

    public static async Task<Roster> LoadAsync(Store store, string organizationId)
    {
        var memberships = await store.Groups.MembershipsAsync(organizationId);
        var workspaces = (await Pages.AllAsync(page => store.Workspaces.ListAsync(organizationId, page, archivedToo: true), w => w.Id)).ToDictionary(w => w.Id, w => new WorkspaceSnapshot(w.Id, w.Name));
        return new Roster(
            (await Pages.AllAsync(page => store.Users.ListAsync(organizationId, page), u => u.Id)).ToDictionary(u => u.Id, u => u.Email),
            memberships.ToLookup(m => m.MemberId, m => m.Name),
            workspaces,
            (await Pages.AllAsync(page => store.Projects.ListAsync(organizationId, page, archivedToo: true), p => p.Id))
                .ToDictionary(p => p.Id, p => new ProjectSnapshot(p.Id, p.Name, p.DataClassification, p.WorkspaceId is { } w ? workspaces.GetValueOrDefault(w) : null)));
    }

    /// <summary>A principal at work in a workspace and for a project; somebody who is gone is in no group any more.</summary>
    public Principal Of(string organizationId, string type, string id, string? workspaceId, string? projectId)
    {
        if (_principals.TryGetValue((id, workspaceId, projectId), out var known))
            return known;
        return _principals[(id, workspaceId, projectId)] = new Principal
        {
            OrganizationId = organizationId,
            Type = type,
            Id = id,
            Email = _addresses.GetValueOrDefault(id),
            Name = "",
            Groups = [.. _groups[id]],
            Workspace = workspaceId is null ? null : _workspaces.GetValueOrDefault(workspaceId),
            Project = projectId is null ? null : _projects.GetValueOrDefault(projectId),
            KeyId = "",
            KeyKind = ApiKeyKind.Inference,
        };
    }
}
