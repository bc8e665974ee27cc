using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Demarc.Simulator.Tokens;

/// <summary>What a Google service account presents for a token: a JWT that it signed with RS256 (RFC 7523; RFC 7518, 3.3).</summary>
internal static class GoogleAssertion
{
    private const long LongestSeconds = 3600;

    // What Google's libraries sign for wherever token_uri of the account's file sends them.
    private const string GooglesOwn = "https://oauth2.googleapis.com/token";

    /// <summary>Why it does not hold, in the words of Google's token endpoint; null when it does.</summary>
    /// <param name="path">The path of the token endpoint, which the assertion has to be for.</param>
    public static string? Problem(string assertion, SimulatorTokens tokens, string path)
    {
        var parts = assertion.Split('.');
        if (parts.Length != 3 || Json(parts[0]) is not { } header || Json(parts[1]) is not { } claims)
            return "Invalid JWT";
        if (Text(header, "alg") != "RS256")
            return "Invalid JWT: alg is not RS256";
        if (!tokens.HasServiceAccounts)
            return null;
        // Not held against a clock: whoever signs has the machine's, and the simulator may have been given another.
        if (Seconds(claims, "exp") - Seconds(claims, "iat") is not (> 0 and <= LongestSeconds))
            return "Invalid JWT: Token must be a short-lived token";
        if (Text(claims, "aud") is not { } aud || (aud != GooglesOwn && !(Uri.TryCreate(aud, UriKind.Absolute, out var audience) && audience.AbsolutePath == path)))
            return "Invalid JWT: Failed audience check";
        if (tokens.ServiceAccount(Text(claims, "iss") ?? "") is not { } key)
            return "Invalid grant: account not found";
        using var rsa = RSA.Create(key);
        return Bytes(parts[2]) is { } signature
            && rsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            ? null
            : "Invalid JWT Signature.";
    }

    private static JsonElement? Json(string part)
    {
        try
        {
            return Bytes(part) is { } bytes && JsonElement.Parse(bytes) is { ValueKind: JsonValueKind.Object } json ? json : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static byte[]? Bytes(string part) => Base64Url.IsValid(part) ? Base64Url.DecodeFromChars(part) : null;

    private static long? Seconds(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds) ? seconds : null;

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
