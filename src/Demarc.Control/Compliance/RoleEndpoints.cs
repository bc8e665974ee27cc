using Demarc.Control.AdminApi;
using Demarc.Governance;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Control.Compliance;

/// <summary>
/// <c>/v1/compliance/organizations/{organization}/roles</c>: the roles that the configuration adds to the built-in ones, and what they
/// permit. An id is <c>rbac_role_</c> and the role's name.
/// </summary>
public sealed class RoleEndpoints(ISnapshotSource snapshots)
{
    private const string Prefix = "rbac_role_";

    /// <summary><c>{"data":[{"id","name","description","created_at","updated_at"}],"has_more","next_page"}</c>.</summary>
    public Task<AdminAnswer> ListAsync(ComplianceRequest request) => ListAsync(request, () => [.. Custom.Select(Shape)]);

    public Task<AdminAnswer> GetAsync(ComplianceRequest request) => Task.FromResult(
        DirectoryEndpoints.Organization(request) ?? new ComplianceQuery(request.Query, []).Problem
        ?? (Find(request) is { } role ? AdminAnswer.Of(Shape(role)) : NotFound));

    /// <summary><c>{"data":[{"action","resource_type","resource_id"}],"has_more","next_page"}</c>: <c>keys.read</c> is to <c>read</c> <c>keys</c> of the organization.</summary>
    public Task<AdminAnswer> PermissionsAsync(ComplianceRequest request) => ListAsync(
        request, () => Find(request) is not { } role ? null : [.. Permissions.NamesOf(role.Permissions).Select(name => name.Split('.')).Select(
            parts => new { Action = parts[1], ResourceId = request.Path("organization"), ResourceType = parts[0] })]);

    private static readonly AdminAnswer NotFound = AdminAnswer.NotFound("Role not found.");

    private IEnumerable<Role> Custom => snapshots.Current.Roles.Roles.Where(role => role.Place is not null);

    private Role? Find(ComplianceRequest request) => Custom.FirstOrDefault(role => Prefix + role.Name == request.Path("role_id"));

    // It came with the configuration, which says no times.
    private static object Shape(Role role) => new { Id = Prefix + role.Name, role.Name, role.Description, CreatedAt = (string?)null, UpdatedAt = (string?)null };

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
