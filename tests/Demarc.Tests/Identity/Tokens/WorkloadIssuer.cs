using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Tokens;

/// <summary>A platform that signs identity tokens of workloads: its keys in a file, and what a workload does with one.</summary>
internal sealed class WorkloadIssuer : IDisposable
{
    private readonly RSA _key = RSA.Create(2048);
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-workloads-").FullName;

    public WorkloadIssuer()
    {
        var key = _key.ExportParameters(false);
        KeysFile = Path.Combine(_folder, "keys.json");
        File.WriteAllText(KeysFile, $$"""{"keys":[{"kty":"RSA","use":"sig","kid":"one","n":"{{Base64Url.EncodeToString(key.Modulus!)}}","e":"{{Base64Url.EncodeToString(key.Exponent!)}}"}]}""");
    }

    /// <summary>A JWKS.</summary>
    public string KeysFile { get; }

    /// <summary>A token of these claims, for five minutes from now where they do not say otherwise.</summary>
    public string Token(JsonObject claims)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var all = (JsonObject)claims.DeepClone();
        foreach (var (name, value) in new (string, JsonNode)[] { ("iat", now), ("exp", now + 300), ("jti", Guid.CreateVersion7().ToString()) })
            all.TryAdd(name, value);
        return Sign("""{"alg":"RS256","kid":"one","typ":"JWT"}""", Encode(all.ToJsonString()));
    }

    /// <param name="payload">In base64url.</param>
    public string Sign(string header, string payload)
    {
        var signed = $"{Encode(header)}.{payload}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    /// <summary>Trades a token of these claims by a rule.</summary>
    public Task<(HttpStatusCode Status, JsonElement Json)> TradeAsync(GatewayFixture gateway, JsonObject claims, string rule) => TradeAsync(gateway, Token(claims), "fdrl_" + rule);

    /// <param name="organization">And <paramref name="account"/>: what the request names beside.</param>
    public static async Task<(HttpStatusCode Status, JsonElement Json)> TradeAsync(GatewayFixture gateway, string assertion, string rule, string? organization = null, string? account = null)
    {
        var body = JsonSerializer.Serialize(new
        {
            grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer",
            assertion,
            federation_rule_id = rule,
            organization_id = organization,
            service_account_id = account,
        });
        using var answer = await gateway.Http.PostAsync(new Uri(gateway.Url, "/v1/oauth/token"), new StringContent(body, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement);
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public void Dispose()
    {
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
