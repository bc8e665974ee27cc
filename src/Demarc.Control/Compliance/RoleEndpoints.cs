using Demarc.Control.AdminApi;

namespace Demarc.Control.Compliance;

/// <summary>
/// <c>/v1/compliance/organizations/{organization}/roles</c>: the roles of an organization's own and what they permit. Each
/// role there is comes from <see cref="All"/>.
/// </summary>
public static class RoleEndpoints
{
    /// <summary>A role and its permissions; times are Unix milliseconds.</summary>
    internal sealed record Role(string Id, string Name, string Description, long? CreatedAt, long? UpdatedAt, (string Action, string ResourceType, string ResourceId)[] Permissions);

    /// <summary><c>{"data":[{"id","name","description","created_at","updated_at"}],"has_more","next_page"}</c>.</summary>
    public static Task<AdminAnswer> ListAsync(ComplianceRequest request) => ListAsync(request, () => [.. All.Select(Shape)]);

    public static Task<AdminAnswer> GetAsync(ComplianceRequest request) => Task.FromResult(
        DirectoryEndpoints.Organization(request) ?? new ComplianceQuery(request.Query, []).Problem
        ?? (Find(request) is { } role ? AdminAnswer.Of(Shape(role)) : NotFound));

    /// <summary><c>{"data":[{"action","resource_type","resource_id"}],"has_more","next_page"}</c>.</summary>
    public static Task<AdminAnswer> PermissionsAsync(ComplianceRequest request) => ListAsync(
        request, () => Find(request)?.Permissions.Select(p => (object)new { p.Action, p.ResourceId, p.ResourceType }).ToArray());

    private static readonly AdminAnswer NotFound = AdminAnswer.NotFound("Role not found.");

    // Roles are built in: of an organization's own there is none.
    private static readonly Role[] All = [];

    private static Role? Find(ComplianceRequest request) => Array.Find(All, r => r.Id == request.Path("role_id"));

    private static object Shape(Role role) => new { role.Id, role.Name, role.Description, CreatedAt = Rfc3339.Text(role.CreatedAt), UpdatedAt = Rfc3339.Text(role.UpdatedAt) };

    private static Task<AdminAnswer> ListAsync(ComplianceRequest request, Func<object[]?> rows)
    {
        var query = new ComplianceQuery(request.Query, ["limit", "page"]);
        _ = query.Limit(500, 1000);
        // Fewer than make two pages.
        if (query.Text("page") is not null)
            query.Wrong(ComplianceListing.WrongPage);
        return Task.FromResult(
            DirectoryEndpoints.Organization(request) ?? query.Problem ?? (rows() is { } data ? AdminAnswer.Of(new ComplianceListing(data, false, null)) : NotFound));
    }
}
