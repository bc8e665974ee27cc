using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Demarc.Simulator.Platforms;

namespace Demarc.Simulator.Tokens;

/// <summary>
/// Entra ID's side of access tokens: a discovery document and keys for each tenant, and tokens of version 1, which Azure's AI services get
/// (Microsoft identity platform, "Access token claims reference").
/// </summary>
public sealed class EntraIssuer
{
    private readonly TimeProvider _time;
    private RSA _key = RSA.Create(2048);
    private string _keyId = Ids.Next("kid-");

    internal EntraIssuer(TimeProvider time) => _time = time;

    /// <summary>From now on another key signs, and is the one that is published.</summary>
    public void Roll() => (_key, _keyId) = (RSA.Create(2048), Ids.Next("kid-"));

    /// <summary>A token of a tenant with these claims beside those that all have; a claim that is null is left out.</summary>
    /// <param name="authority">The simulator's address.</param>
    public string Token(Uri authority, string tenant, JsonObject claims, TimeSpan? lifetime = null)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        var all = new JsonObject
        {
            ["aud"] = "https://cognitiveservices.azure.com",
            ["iss"] = $"{authority.AbsoluteUri.TrimEnd('/')}/{tenant}/",
            ["iat"] = now,
            ["nbf"] = now,
            ["exp"] = now + (long)(lifetime ?? TimeSpan.FromHours(1)).TotalSeconds,
            ["tid"] = tenant,
            ["uti"] = Ids.Next("uti-"),
            ["ver"] = "1.0",
        };
        foreach (var (name, value) in claims)
        {
            if (value is null)
                all.Remove(name);
            else
                all[name] = value.DeepClone();
        }
        var signed = $"{Encode(new JsonObject { ["typ"] = "JWT", ["alg"] = "RS256", ["kid"] = _keyId, ["x5t"] = _keyId })}.{Encode(all)}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    /// <summary>The document at <c>/{tenant}/v2.0/.well-known/openid-configuration</c>.</summary>
    internal static JsonObject Discovery(string authority, string tenant) => new()
    {
        ["issuer"] = $"{authority}/{tenant}/v2.0",
        ["authorization_endpoint"] = $"{authority}/{tenant}/oauth2/v2.0/authorize",
        ["token_endpoint"] = $"{authority}/{tenant}/oauth2/v2.0/token",
        ["jwks_uri"] = $"{authority}/{tenant}/discovery/v2.0/keys",
        ["response_types_supported"] = new JsonArray("code"),
        ["subject_types_supported"] = new JsonArray("pairwise"),
        ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
    };

    /// <summary>The keys at <c>/{tenant}/discovery/v2.0/keys</c>.</summary>
    internal JsonObject Keys()
    {
        var key = _key.ExportParameters(false);
        return new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["kty"] = "RSA",
                ["use"] = "sig",
                ["kid"] = _keyId,
                ["x5t"] = _keyId,
                ["n"] = Base64Url.EncodeToString(key.Modulus!),
                ["e"] = Base64Url.EncodeToString(key.Exponent!),
            }),
        };
    }

    private static string Encode(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
