using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>Fields of a body that name what is in the directory. What is not there, or archived, is a problem of the field.</summary>
internal static class BodyReferences
{
    /// <summary>The workspace that a field names; null when it is absent.</summary>
    public static Task<Workspace?> WorkspaceAsync(this BodyFields body, string field, Store store, string organizationId) =>
        FindAsync(body, field, "workspace", id => store.Workspaces.GetAsync(organizationId, id), w => w.ArchivedAt);

    /// <summary>The project that a field names; null when it is absent.</summary>
    public static Task<Project?> ProjectAsync(this BodyFields body, string field, Store store, string organizationId) =>
        FindAsync(body, field, "project", id => store.Projects.GetAsync(organizationId, id), p => p.ArchivedAt);

    private static async Task<T?> FindAsync<T>(BodyFields body, string field, string what, Func<string, Task<T?>> get, Func<T, long?> archivedAt)
        where T : class
    {
        if (body.Text(field) is not { } id)
            return null;
        var found = await get(id);
        if (found is null)
            body.Wrong(field, $"there is no such {what}. GET /v1/organizations/{what}s lists them.");
        else if (archivedAt(found) is not null)
            body.Wrong(field, $"this {what} is archived.");
        return found;
    }
}
