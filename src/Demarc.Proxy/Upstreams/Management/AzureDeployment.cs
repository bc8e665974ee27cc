using System.Text.Json;
using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams.Management;

/// <summary>A deployment as Azure Resource Manager has it.</summary>
/// <param name="account">The account's own JSON.</param>
internal sealed class AzureDeployment(JsonElement account, JsonElement deployment)
{
    public string Name => Text(deployment, "name");

    /// <summary>The account's region, <c>eastus2</c>.</summary>
    public string Location => Text(account, "location").Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary><c>GlobalStandard</c>, <c>DataZoneStandard</c>, …</summary>
    public string Sku => Text(deployment, "sku", "name");

    public string Format => Text(deployment, "properties", "model", "format");

    public string Model => Text(deployment, "properties", "model", "name");

    public string Version => Text(deployment, "properties", "model", "version");

    public bool IsPinned => Text(deployment, "properties", "versionUpgradeOption") == "NoAutoUpgrade";

    /// <summary>As Demarc writes it; the SKU's own name where it is none of those known.</summary>
    public string Scope(Catalog catalog) =>
        Sku.StartsWith("Global", StringComparison.Ordinal) ? "global"
        : Sku.StartsWith("DataZone", StringComparison.Ordinal) ? $"data-zone:{Array.Find(catalog.PlatformOf(Platform.Foundry).Regions, r => r.Name == Location)?.Geography ?? "unknown"}"
        : Sku is "Standard" or "ProvisionedManaged" ? $"region:{Location}"
        : Sku;

    /// <summary>
    /// The hosting option, which Foundry lists as a version of the model: 1 hosted on Anthropic, 2 hosted on Azure (page "Claude
    /// in Microsoft Foundry", which gives it as an example). Null where neither that nor the model's one option tells.
    /// </summary>
    public Hosting? Hosting(Catalog catalog) =>
        catalog.FindModel(Model)?.On(Platform.Foundry)?.Hostings is [var only] ? only
        : Version switch { "1" => Governance.Boundaries.Hosting.Anthropic, "2" => Governance.Boundaries.Hosting.Azure, _ => null };

    private static string Text(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                return "";
        }
        return element.ValueKind == JsonValueKind.String ? element.GetString()! : "";
    }
}
