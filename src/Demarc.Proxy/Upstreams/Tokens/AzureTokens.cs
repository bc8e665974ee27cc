using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams.Tokens;

/// <summary>
/// Entra ID tokens for Foundry by DefaultAzureCredential: environment, workload identity, managed identity. A gateway has
/// no developer's sign-in, so those links of the chain are left out.
/// </summary>
internal static class AzureTokens
{
    // Page "Claude in Microsoft Foundry".
    private static readonly TokenRequestContext s_foundry = new(["https://ai.azure.com/.default"]);

    public static async Task<(string Token, DateTimeOffset Expires)> FetchAsync(AzureCredential credential, ResourceSnapshot resource, CancellationToken stop)
    {
        using var handler = UpstreamHandlers.TokenHandler(resource.Proxy, resource.CertificateAuthorities);
        using var client = new HttpClient(handler);
        // A fresh one each time: its own cache would give back a token that was just refused.
        var options = new DefaultAzureCredentialOptions
        {
            ExcludeAzureCliCredential = true,
            ExcludeAzureDeveloperCliCredential = true,
            ExcludeAzurePowerShellCredential = true,
            ExcludeInteractiveBrowserCredential = true,
            ExcludeVisualStudioCodeCredential = true,
            ExcludeVisualStudioCredential = true,
            ExcludeBrokerCredential = true,
            Transport = new HttpClientTransport(client),
        };
        if (credential.Authority is { } authority)
        {
            options.AuthorityHost = authority;
            // The public cloud knows nothing of an authority of one's own.
            options.DisableInstanceDiscovery = true;
        }
        var token = await new DefaultAzureCredential(options).GetTokenAsync(s_foundry, stop);
        return (token.Token, token.ExpiresOn);
    }
}
