using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>An API key on the wire (Admin API, "APIKey"). Never with the key itself.</summary>
/// <param name="ProjectId">Demarc's own: the one project that it is for.</param>
public sealed record ApiKeyObject(
    string Id,
    string CreatedAt,
    ActorObject? CreatedBy,
    string? ExpiresAt,
    string Name,
    string PartialKeyHint,
    ActorObject Principal,
    string? ProjectId,
    string Status,
    string Type,
    string? WorkspaceId)
{
    public static ApiKeyObject Of(StoredApiKey key) => new(
        key.Id,
        Rfc3339.Text(key.CreatedAt),
        // The vendor's null is for a creator that is no principal: here Demarc itself, or the command line.
        key.CreatedByType is "user" or "service_account" ? new ActorObject(key.CreatedById, key.CreatedByType) : null,
        Rfc3339.Text(key.ExpiresAt),
        key.Name,
        key.Hint,
        new ActorObject(key.PrincipalId, key.PrincipalType),
        key.ProjectId,
        key.Status,
        "api_key",
        key.WorkspaceId);
}

/// <summary>A user or service account that an object refers to.</summary>
/// <param name="Type"><c>user</c> or <c>service_account</c>.</param>
public sealed record ActorObject(string Id, string Type);
