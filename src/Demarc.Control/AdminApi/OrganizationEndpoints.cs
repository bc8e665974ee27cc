using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary><c>/v1/organizations/me</c> (Admin API, "Get Current Organization").</summary>
public sealed class OrganizationEndpoints(Organization organization)
{
    public Task<AdminAnswer> GetAsync(AdminRequest request) =>
        Task.FromResult(AdminAnswer.Of(new OrganizationObject(organization.Id, organization.Name, "organization")));

    private sealed record OrganizationObject(string Id, string Name, string Type);
}
