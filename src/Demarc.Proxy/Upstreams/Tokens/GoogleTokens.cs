using System.Text.Json;
using Demarc.Governance.Boundaries;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Http;

namespace Demarc.Proxy.Upstreams.Tokens;

/// <summary>Google access tokens by application default credentials (variable, well-known file, metadata server) or a credential file.</summary>
internal static class GoogleTokens
{
    private const string Scope = "https://www.googleapis.com/auth/cloud-platform";

    // Where the library keeps the end of a token to itself, it is asked again after this; it renews on its own.
    private static readonly TimeSpan s_unknown = TimeSpan.FromMinutes(1);

    public static async Task<(string Token, DateTimeOffset Expires)> FetchAsync(Governance.Boundaries.GoogleCredential credential, ResourceSnapshot resource, TimeProvider time, CancellationToken stop)
    {
        var source = credential.File is { } file
            ? await CredentialFactory.FromFileAsync(file, await TypeAsync(file, stop), stop)
            : await Google.Apis.Auth.OAuth2.GoogleCredential.GetApplicationDefaultAsync(stop);
        source = source.CreateScoped(Scope).CreateWithHttpClientFactory(new Clients(resource));
        if (source.UnderlyingCredential is not ServiceCredential service)
            return (await source.UnderlyingCredential.GetAccessTokenForRequestAsync(null, stop), time.GetUtcNow() + s_unknown);
        if (!await service.RequestAccessTokenAsync(stop) || service.Token is not { AccessToken: { } token } answer)
            throw new CredentialException("Google gave no access token.");
        return (token, time.GetUtcNow() + TimeSpan.FromSeconds(answer.ExpiresInSeconds ?? 300));
    }

    private static async Task<string> TypeAsync(string file, CancellationToken stop)
    {
        using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(file, stop));
        return json.RootElement.GetProperty("type").GetString()!;
    }

    private sealed class Clients(ResourceSnapshot resource) : HttpClientFactory
    {
        protected override HttpMessageHandler CreateHandler(CreateHttpClientArgs args) =>
            UpstreamHandlers.TokenHandler(resource.Proxy, resource.CertificateAuthorities);
    }
}
