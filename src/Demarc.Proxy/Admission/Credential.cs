using Demarc.Governance;
using Demarc.Governance.Identity;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Admission;

/// <summary>The key a request presents: in <c>x-api-key</c>, <c>api-key</c> or as a bearer.</summary>
public static class Credential
{
    /// <summary>Header names that carry a client's credential; never forwarded.</summary>
    public static readonly string[] Headers = ["x-api-key", "api-key", "authorization"];

    private const string Missing = "No API key. Send it in x-api-key, api-key or Authorization: Bearer.";

    private const string Signed =
        "The Authorization header carries an AWS signature, which cannot hold a key of this gateway. Send the key in x-api-key beside it, or as the bearer token: AWS_BEARER_TOKEN_BEDROCK.";

    /// <summary>What to tell a client that presents none.</summary>
    public static string ExplainMissing(HttpRequest request) =>
        request.Headers.Authorization.ToString().StartsWith("AWS4-HMAC-SHA256", StringComparison.Ordinal) ? Signed : Missing;

    /// <summary>
    /// Null when none is presented. Clients may send one key in two headers (apiKeyHelper does); where they differ,
    /// the one in Demarc's own format counts.
    /// </summary>
    public static string? Of(HttpRequest request)
    {
        string? found = null;
        foreach (var header in Headers)
        {
            if (request.Headers[header] is not [{ Length: > 0 } value, ..])
                continue;
            var key = header == "authorization" ? Bearer(value) : value.Trim();
            if (key is null)
                continue;
            if (key.StartsWith("demarc_", StringComparison.Ordinal))
                return key;
            found ??= key;
        }
        return found;
    }

    private static string? Bearer(string value) =>
        value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value[7..].Trim() : null;

    /// <summary>Status and error type of the answer to a key that is not taken.</summary>
    public static (int Status, string Type) Answer(KeyStatus status) => status switch
    {
        KeyStatus.Unavailable => (503, "api_error"),
        KeyStatus.Guessing => (429, "rate_limit_error"),
        _ => (401, "authentication_error"),
    };

    /// <summary>What to tell a client whose key, or sign-in, does not hold.</summary>
    public static string Explain(KeyStatus status, string? presented = null) => status switch
    {
        KeyStatus.Guessing => "Too many different keys that do not hold came from this address. Check yours with your administrator, and try again in ten minutes.",
        KeyStatus.Unavailable => "Keys cannot be checked at the moment. Try again shortly.",
        _ when presented is not null && AccessTokens.IsToken(presented) => "Your sign-in has ended. Run /login to sign in again.",
        KeyStatus.Expired => "This API key has expired. Ask your administrator for a new one.",
        KeyStatus.Revoked => "This API key has been revoked. Ask your administrator for a new one.",
        _ => "The API key is not valid here. Check that it is whole, and that the base URL is the gateway it was made for.",
    };
}
