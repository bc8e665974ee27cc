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
    private const string Foundry = "https://ai.azure.com/.default";

    public static Task<(string Token, DateTimeOffset Expires)> FetchAsync(AzureCredential credential, ResourceSnapshot resource, CancellationToken stop) =>
        FetchAsync(credential, resource, Foundry, stop);

    /// <exception cref="CredentialException">The chain has none.</exception>
    public static Task<(string Token, DateTimeOffset Expires)> FetchAsync(AzureCredential credential, ResourceSnapshot resource, string scope, CancellationToken stop) =>
        FetchAsync(credential, resource.Proxy, resource.CertificateAuthorities, scope, stop);

    /// <exception cref="CredentialException">The chain has none.</exception>
    public static async Task<(string Token, DateTimeOffset Expires)> FetchAsync(AzureCredential credential, Uri? proxy, string? authorities, string scope, CancellationToken stop)
    {
        using var handler = UpstreamHandlers.TokenHandler(proxy, authorities);
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
        try
        {
            var token = await new DefaultAzureCredential(options).GetTokenAsync(new TokenRequestContext([scope]), stop);
            return (token.Token, token.ExpiresOn);
        }
        catch (AuthenticationFailedException e)
        {
            throw new CredentialException($"No token from Entra ID: {e.Message}", e);
        }
    }
}
