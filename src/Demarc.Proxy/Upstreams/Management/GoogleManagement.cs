using System.Text.Json;
using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams.Management;

/// <summary>Google Cloud: that the location's own endpoint knows the location and the publisher's model (Vertex AI REST reference, <c>projects.locations.get</c> and <c>publishers.models.get</c>).</summary>
internal static class GoogleManagement
{
    public const string Name = "Google Cloud";

    public static async Task CheckAsync(Findings findings, Func<string, Task<JsonElement?>> get)
    {
        var deployment = findings.Deployment;
        var resource = deployment.Resource;
        var location = await get($"/v1/projects/{Uri.EscapeDataString(resource.Project!)}/locations/{Uri.EscapeDataString(resource.Region!)}")
            ?? throw new ManagementException($"{Name} has no location {resource.Region} for the project {resource.Project}: correct region or project of \"{resource.Name}\".");
        if (!location.TryGetProperty("locationId", out var id) || id.GetString() is not { Length: > 0 } found)
            throw new ManagementException($"{Name} does not name the location at {resource.Region}.");
        findings.Property("location", resource.Region!, found, found == resource.Region);
        findings.Places(Hop.Inference, [found == Geography.Anywhere ? found : findings.PlaceOf(found)]);

        var model = await get($"/v1/publishers/anthropic/models/{Uri.EscapeDataString(deployment.Name)}");
        findings.Property("deployment", deployment.Name, model is null ? "no such model of the publisher" : deployment.Name, model is not null);
        if (model is { } read && read.TryGetProperty("name", out var name) && name.GetString() is { } full)
        {
            var version = read.TryGetProperty("versionId", out var v) && v.GetString() is { Length: > 0 } given && !full.Contains('@', StringComparison.Ordinal) ? $"@{given}" : "";
            findings.Model(full[(full.LastIndexOf('/') + 1)..] + version);
        }
    }
}
