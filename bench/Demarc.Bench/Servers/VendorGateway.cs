using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Demarc.Bench.Servers;

/// <summary><c>claude gateway</c> (npm's @anthropic-ai/claude-code) as its documentation sets it up: sign-in, and a spend limit over everybody.</summary>
internal sealed class VendorGateway : IAsyncDisposable
{
    private readonly ServerProcess _process;

    private VendorGateway(ServerProcess process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    /// <summary>The developer's.</summary>
    public string Token { get; private set; } = "";

    public static async Task<VendorGateway> StartAsync(string gateways, string folder, int port, string postgres, Uri upstream, IdentityProvider identity)
    {
        var url = new Uri($"http://127.0.0.1:{port}");
        var admin = RandomNumberGenerator.GetHexString(32);
        var config = Path.Combine(folder, "gateway.yaml");
        // JSON is YAML.
        await File.WriteAllTextAsync(config, JsonSerializer.Serialize(new
        {
            listen = new { host = "127.0.0.1", port, public_url = url.OriginalString },
            oidc = new { issuer = identity.Issuer.AbsoluteUri.TrimEnd('/'), client_id = IdentityProvider.ClientId, client_secret = IdentityProvider.ClientSecret },
            session = new { jwt_secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), ttl_hours = 8 },
            store = new { postgres_url = postgres },
            admin = new { write_keys = new[] { new { id = "bench", key = admin } } },
            upstreams = new[] { new { provider = "anthropic", base_url = upstream.AbsoluteUri.TrimEnd('/'), auth = new { api_key = "simulator" } } },
            auto_include_builtin_models = true,
        }));
        var process = ServerProcess.Start(
            Target.Vendor, Path.Combine(gateways, "node_modules", "@anthropic-ai", "claude-code-linux-x64", "claude"), ["gateway", "--config", config],
            environment: new Dictionary<string, string> { ["HOME"] = folder, ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1", ["CLAUDE_GATEWAY_LOG_LEVEL"] = "error" });
        var gateway = new VendorGateway(process, url);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await process.ReadyAsync(async () =>
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(url, "/protocol"));
            }
            catch (HttpRequestException e)
            {
                throw new IOException(e.Message, e);
            }
        });
        gateway.Token = await identity.SignInAsync(url);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(url, "/v1/organizations/spend_limits"))
        {
            // It takes no chunks.
            Content = new StringContent("""{"scope":{"type":"organization"},"amount":"100000000","period":"monthly"}""", Encoding.UTF8, "application/json"),
            Headers = { { "x-api-key", admin } },
        };
        using var limit = await http.SendAsync(request);
        return limit.IsSuccessStatusCode ? gateway : throw new BenchException($"The vendor's gateway took no limit: {await limit.Content.ReadAsStringAsync()}");
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
