using System.Text.Json;
using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams.Management;

/// <summary>Azure Resource Manager: <c>Microsoft.CognitiveServices/accounts</c> and their <c>deployments</c> (REST API reference, version 2024-10-01).</summary>
internal static class AzureManagement
{
    public const string Name = "Azure Resource Manager";
    public const string Version = "2024-10-01";

    public static readonly Uri Public = new("https://management.azure.com");

    public static async Task CheckAsync(Findings findings, Func<string, Task<JsonElement?>> get)
    {
        var deployment = findings.Deployment;
        var place = deployment.Resource.Management;
        if (place is not { Subscription: { } subscription, ResourceGroup: { } group, Account: { } name })
            throw new ManagementException($"\"{deployment.Resource.Name}\" does not say where it is managed: add management: {{ subscription, resource_group, account }} to it.");
        var path = $"/subscriptions/{Uri.EscapeDataString(subscription)}/resourceGroups/{Uri.EscapeDataString(group)}/providers/Microsoft.CognitiveServices/accounts/{Uri.EscapeDataString(name)}";
        // A wrong name here says nothing of the deployment.
        var account = await get($"{path}?api-version={Version}")
            ?? throw new ManagementException($"{Name} has no account {name} in {group}: correct management of \"{deployment.Resource.Name}\".");
        var found = await get($"{path}/deployments/{Uri.EscapeDataString(deployment.Name)}?api-version={Version}");
        findings.Property("deployment", deployment.Name, found is null ? "no such deployment" : deployment.Name, found is not null);
        if (found is { } read)
            Compare(findings, new AzureDeployment(account, read));
    }

    private static void Compare(Findings findings, AzureDeployment found)
    {
        var deployment = findings.Deployment;
        var place = findings.PlaceOf(found.Location);
        if (deployment.Resource.Region is { } region)
            findings.Property("region", region, found.Location, region == found.Location);
        findings.Places(Hop.Edge, [place]);
        findings.Model(found.Model);
        var scope = found.Scope(findings.Catalog);
        findings.Property("scope", deployment.Scope, $"{scope} ({found.Sku})", scope == deployment.Scope);
        findings.Places(Hop.Inference, [scope switch
        {
            "global" => Geography.Anywhere,
            ['d', 'a', 't', 'a', '-', 'z', 'o', 'n', 'e', ':', .. var zone] => zone,
            _ => place,
        }]);
        findings.Fact(new FactName(Hop.Edge, FactKind.Pinning), found.IsPinned ? "exact" : "floating");
        if (found.Hosting(findings.Catalog) is { } hosting)
            findings.Property("hosting", deployment.Hosting.Wire(), $"{hosting.Wire()} (version {found.Version})", hosting == deployment.Hosting);
    }
}
