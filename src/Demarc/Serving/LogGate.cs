using Demarc.Control.AdminApi;
using Demarc.Control.Compliance;
using Demarc.Control.Configuration;
using Demarc.Control.Proofs;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>Lets whoever asks see the log's tree when the configuration makes it public, else whoever may read activities.</summary>
internal sealed class LogGate(LogConfig config, ComplianceGate compliance, LogEndpoints tree, Organization organization)
{
    public Task CheckpointAsync(HttpContext http) => HandleAsync(http, tree.CheckpointAsync);

    /// <param name="path">What follows <c>/log/tile/</c>.</param>
    public Task TileAsync(HttpContext http, string? path) => HandleAsync(http, organizationId => tree.TileAsync(organizationId, path ?? ""));

    private Task HandleAsync(HttpContext http, Func<string, Task<AdminAnswer>> endpoint)
    {
        http.Response.Headers.CacheControl = "no-store";
        return config.IsPublic
            ? PublicAsync(http, endpoint)
            : compliance.HandleAsync(http, ComplianceScope.Activities, request => endpoint(request.OrganizationId));
    }

    private async Task PublicAsync(HttpContext http, Func<string, Task<AdminAnswer>> endpoint) =>
        await ComplianceGate.WriteAsync(http, null, await endpoint(organization.Id));
}
