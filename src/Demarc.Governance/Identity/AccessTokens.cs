using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Demarc.Governance.Evidence;

namespace Demarc.Governance.Identity;

/// <summary>What an access token says. Claude Code reads <c>exp</c>, <c>sub</c>, <c>email</c> and <c>groups</c> of it, unverified.</summary>
/// <param name="Issuer">The gateway's address.</param>
/// <param name="Subject"><c>user_…</c>.</param>
/// <param name="SessionId"><c>signin_…</c>: the session that it stands on, and ends with.</param>
/// <param name="IssuedAt">Unix seconds, as is <paramref name="ExpiresAt"/>.</param>
public sealed record AccessTokenClaims(
    [property: JsonPropertyName("iss")] string Issuer,
    [property: JsonPropertyName("sub")] string Subject,
    [property: JsonPropertyName("aud")] string Audience,
    [property: JsonPropertyName("sid")] string SessionId,
    [property: JsonPropertyName("jti")] string TokenId,
    [property: JsonPropertyName("iat")] long IssuedAt,
    [property: JsonPropertyName("exp")] long ExpiresAt,
    [property: JsonPropertyName("email")] string? Email,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("groups")] string[] Groups);

/// <summary>
/// Access tokens of people who signed in: JWTs under ES256 (RFC 7515, 7518, 9068), verified without the store. The key is
/// another every 30 days; the published set holds the one before and the one after too, so that replicas may disagree on
/// the time.
/// </summary>
public sealed class AccessTokens(MasterKey master, TimeProvider time)
{
    public const string Audience = "demarc";

    /// <summary>No token is longer, so that a longer credential is refused unread.</summary>
    public const int MaxLength = 12 << 10;

    /// <summary>Of how many groups a token names; it travels with each request.</summary>
    public const int MaxGroups = 100;

    private static readonly TimeSpan Period = TimeSpan.FromDays(30);

    private readonly ConcurrentDictionary<long, TokenKey> _keys = new();

    /// <summary>Whether a credential has a JWT's form rather than a key's.</summary>
    public static bool IsToken(ReadOnlySpan<char> credential) => credential.StartsWith("eyJ", StringComparison.Ordinal);

    public string Issue(AccessTokenClaims claims)
    {
        using var key = P256.Derive(master, Purpose(Now));
        var header = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"alg":"ES256","kid":"{{KeyOf(Now).Id}}","typ":"at+jwt"}"""));
        var signed = $"{header}.{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims, AccessTokenJson.Default.AccessTokenClaims))}";
        return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    /// <summary>The claims of a token that Demarc signed; null for any other. Says nothing about whether it has expired.</summary>
    public AccessTokenClaims? Read(string token)
    {
        if (token.Length > MaxLength || token.Split('.') is not [var header, var body, var signature])
            return null;
        try
        {
            var stated = JsonSerializer.Deserialize(Base64Url.DecodeFromChars(header), AccessTokenJson.Default.TokenHeader);
            if (stated is not { Algorithm: "ES256", Type: "at+jwt", Critical: null } || Find(stated.KeyId) is not { } key)
                return null;
            using var verifier = ECDsa.Create(key.Public);
            if (!verifier.VerifyData(Encoding.ASCII.GetBytes($"{header}.{body}"), Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256))
                return null;
            var claims = JsonSerializer.Deserialize(Base64Url.DecodeFromChars(body), AccessTokenJson.Default.AccessTokenClaims);
            return claims is { Audience: Audience } ? claims : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The public keys (RFC 7517), as JSON.</summary>
    public byte[] KeySet() =>
        JsonSerializer.SerializeToUtf8Bytes(new JsonKeySet([.. Valid().Select(KeyOf).Select(k => new JsonKey(
            "EC", "P-256", "ES256", "sig", k.Id, Base64Url.EncodeToString(k.Public.Q.X!), Base64Url.EncodeToString(k.Public.Q.Y!)))]), AccessTokenJson.Default.JsonKeySet);

    private long Now => time.GetUtcNow().ToUnixTimeSeconds() / (long)Period.TotalSeconds;

    private long[] Valid() => [Now - 1, Now, Now + 1];

    private TokenKey? Find(string? id) => Valid().Select(KeyOf).FirstOrDefault(k => k.Id == id);

    private static string Purpose(long period) => $"demarc access token {period}.";

    private TokenKey KeyOf(long period) => _keys.GetOrAdd(period, p =>
    {
        using var key = P256.Derive(master, Purpose(p));
        var @public = key.ExportParameters(false);
        // RFC 7638: the members in order, without white space.
        var thumbprint = $$"""{"crv":"P-256","kty":"EC","x":"{{Base64Url.EncodeToString(@public.Q.X!)}}","y":"{{Base64Url.EncodeToString(@public.Q.Y!)}}"}""";
        return new TokenKey(Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(thumbprint))), @public);
    });

    private sealed record TokenKey(string Id, ECParameters Public);
}

internal sealed record TokenHeader(
    [property: JsonPropertyName("alg")] string? Algorithm,
    [property: JsonPropertyName("kid")] string? KeyId,
    [property: JsonPropertyName("typ")] string? Type,
    [property: JsonPropertyName("crit")] string[]? Critical);

internal sealed record JsonKey(string Kty, string Crv, string Alg, string Use, string Kid, string X, string Y);

internal sealed record JsonKeySet(JsonKey[] Keys);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AccessTokenClaims))]
[JsonSerializable(typeof(TokenHeader))]
[JsonSerializable(typeof(JsonKeySet))]
internal sealed partial class AccessTokenJson : JsonSerializerContext;
