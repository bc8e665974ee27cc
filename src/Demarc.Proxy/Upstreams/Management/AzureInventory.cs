using System.Text.Json;
using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams.Management;

/// <summary>A Foundry account with its Claude deployments.</summary>
/// <param name="Subdomain">Of <c>services.ai.azure.com</c>; the account's name where it has no other.</param>
public sealed record AzureAccount(string Name, string ResourceGroup, string Location, string Subdomain, AzureClaude[] Deployments);

/// <summary>A Claude deployment.</summary>
/// <param name="Scope">As Demarc writes it, or the SKU's name where that is not known.</param>
/// <param name="Hosting">Null where neither model nor version tells.</param>
public sealed record AzureClaude(string Name, string Model, string Version, string Scope, Hosting? Hosting, bool IsPinned);

/// <summary>What exists in a subscription, from Azure Resource Manager.</summary>
public static class AzureInventory
{
    // A subscription has hundreds of accounts at most; an answer that pages on and on ends here.
    private const int MostPages = 100;

    /// <param name="endpoint">Resource Manager's address; null for the public one.</param>
    /// <param name="resourceGroup">Null for every one.</param>
    /// <exception cref="ManagementException">It did not answer, or not in a way that can be read.</exception>
    public static async Task<AzureAccount[]> ReadAsync(ManagementClient client, Catalog catalog, Uri? endpoint, string subscription, string? resourceGroup, CancellationToken stop)
    {
        var asker = new ResourceSnapshot
        {
            Name = "import",
            Platform = Platform.Foundry,
            Endpoint = endpoint ?? AzureManagement.Public,
            Agreements = [],
            Credential = new AzureCredential(null),
            Management = new ManagementPlace(endpoint, subscription, resourceGroup, null),
        };
        var group = resourceGroup is null ? "" : $"/resourceGroups/{Uri.EscapeDataString(resourceGroup)}";
        var accounts = new List<AzureAccount>();
        foreach (var account in await AllAsync($"/subscriptions/{Uri.EscapeDataString(subscription)}{group}/providers/Microsoft.CognitiveServices/accounts?api-version={AzureManagement.Version}"))
        {
            var id = account.GetProperty("id").GetString()!;
            var deployments = (await AllAsync($"{id}/deployments?api-version={AzureManagement.Version}")).Select(d => new AzureDeployment(account, d)).Where(d => d.Format == "Anthropic").ToArray();
            if (deployments.Length == 0)
                continue;
            var subdomain = account.TryGetProperty("properties", out var properties) && properties.TryGetProperty("customSubDomainName", out var custom) ? custom.GetString() : null;
            var name = account.GetProperty("name").GetString()!;
            accounts.Add(new AzureAccount(
                name, GroupOf(id), deployments[0].Location, subdomain ?? name,
                [.. deployments.Select(d => new AzureClaude(d.Name, d.Model, d.Version, d.Scope(catalog), d.Hosting(catalog), d.IsPinned))]));
        }
        return [.. accounts];

        async Task<List<JsonElement>> AllAsync(string path)
        {
            var all = new List<JsonElement>();
            for (var pages = 0; pages < MostPages; pages++)
            {
                var page = await client.GetAsync(asker, AzureManagement.Public, path, stop)
                    ?? throw new ManagementException($"{AzureManagement.Name} has nothing at {path.Split('?')[0]}: check the subscription and the resource group.");
                if (page.TryGetProperty("value", out var items))
                    all.AddRange(items.EnumerateArray());
                if (!page.TryGetProperty("nextLink", out var next) || next.GetString() is not { Length: > 0 } link)
                    return all;
                // From the same address, whatever host the link names: the token goes nowhere else.
                path = new Uri(link, UriKind.RelativeOrAbsolute) is { IsAbsoluteUri: true } absolute ? absolute.PathAndQuery : link;
            }
            throw new ManagementException($"{AzureManagement.Name} goes on after {MostPages} pages: name a resource group.");
        }
    }

    private static string GroupOf(string id)
    {
        var parts = id.Split('/');
        var at = Array.FindIndex(parts, p => p.Equals("resourceGroups", StringComparison.OrdinalIgnoreCase));
        return at >= 0 && at + 1 < parts.Length ? parts[at + 1] : "";
    }
}
