using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>A workspace on the wire (Admin API, "Workspace").</summary>
/// <param name="CompartmentId">The workspace's own UUID: Demarc has no compartments of encryption.</param>
/// <param name="DataResidency">Always without restriction: what restricts geography here is policy.</param>
/// <param name="DisplayColor">Always the same.</param>
public sealed record WorkspaceObject(
    string Id,
    string? ArchivedAt,
    string CompartmentId,
    string CreatedAt,
    ResidencyObject DataResidency,
    string DisplayColor,
    string? ExternalKeyId,
    string Name,
    Dictionary<string, string> Tags,
    string Type)
{
    public static WorkspaceObject Of(Workspace workspace)
    {
        Ids.TryParse(Ids.Workspace, workspace.Id, out var guid);
        return new(
            workspace.Id,
            Rfc3339.Text(workspace.ArchivedAt),
            guid.ToString(),
            Rfc3339.Text(workspace.CreatedAt),
            new ResidencyObject("unrestricted", "global", "self-hosted"),
            "#6C5BB9",
            null,
            workspace.Name,
            JsonSerializer.Deserialize<Dictionary<string, string>>(workspace.Tags)!,
            "workspace");
    }
}

/// <summary>Where the data of a workspace may be.</summary>
public sealed record ResidencyObject(string AllowedInferenceGeos, string DefaultInferenceGeo, string WorkspaceGeo);

/// <summary>A member of a workspace on the wire (Admin API, "WorkspaceMember").</summary>
public sealed record WorkspaceMemberObject(string Type, string UserId, string WorkspaceId, string WorkspaceRole)
{
    public static WorkspaceMemberObject Of(WorkspaceMember member) => new("workspace_member", member.UserId, member.WorkspaceId, member.Role);
}
