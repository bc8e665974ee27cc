using System.Globalization;

namespace Demarc.Bench.Servers;

/// <summary>An OpenID provider (npm's oidc-provider) that signs in whoever comes.</summary>
internal sealed class IdentityProvider : IAsyncDisposable
{
    public const string ClientId = "gateway";
    public const string ClientSecret = "of the benchmark";

    private readonly ServerProcess _process;
    private readonly string _gateways;

    private IdentityProvider(ServerProcess process, string gateways, Uri issuer) => (_process, _gateways, Issuer) = (process, gateways, issuer);

    public Uri Issuer { get; }

    /// <summary>Where a gateway on this port of loopback is answered.</summary>
    public static string Redirect(int port) => $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}/oauth/callback";

    /// <param name="gateways">The folder of its script, with its packages.</param>
    public static async Task<IdentityProvider> StartAsync(string gateways, string[] redirects)
    {
        var process = ServerProcess.Start("identity", "node", [Path.Combine(gateways, "identity.mjs"), .. redirects]);
        return new IdentityProvider(process, gateways, await process.UrlAsync());
    }

    /// <summary>Signs a developer in to a gateway as Claude Code does; the access token.</summary>
    public async Task<string> SignInAsync(Uri gateway) =>
        (await Commands.RunAsync("node", Path.Combine(_gateways, "sign-in.mjs"), gateway.AbsoluteUri)).Trim();

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
