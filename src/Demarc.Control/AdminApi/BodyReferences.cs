using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>Fields of a body that name what is in the directory.</summary>
internal static class BodyReferences
{
    /// <summary>The workspace that a field names; null when it is absent. One that is archived is a problem.</summary>
    public static async Task<Workspace?> WorkspaceAsync(this BodyFields body, string field, Store store, string organizationId)
    {
        if (body.Text(field) is not { } id)
            return null;
        var workspace = await store.Workspaces.GetAsync(organizationId, id);
        if (workspace is not { ArchivedAt: null })
            body.Wrong(field, workspace is null ? "there is no such workspace. GET /v1/organizations/workspaces lists them." : "this workspace is archived.");
        return workspace;
    }

    /// <summary>The project that a field names; null when it is absent. One that is archived is a problem.</summary>
    public static async Task<Project?> ProjectAsync(this BodyFields body, string field, Store store, string organizationId)
    {
        if (body.Text(field) is not { } id)
            return null;
        var project = await store.Projects.GetAsync(organizationId, id);
        if (project is not { ArchivedAt: null })
            body.Wrong(field, project is null ? "there is no such project. GET /v1/organizations/projects lists them." : "this project is archived.");
        return project;
    }
}
