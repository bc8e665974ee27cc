using System.Security.Cryptography;
using System.Text;
using Demarc.Simulator.Platforms;
using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator.Tokens;

/// <summary>Verifies an AWS signature from what came over the wire (AWS IAM User Guide, "Create a signed AWS API request").</summary>
internal static class SigV4Check
{
    private const string Scheme = "AWS4-HMAC-SHA256 ";

    /// <summary>Null when the signature holds, or the refusal that AWS would give.</summary>
    public static Refusal? Find(Exchange exchange, SimulatorTokens tokens, string service)
    {
        var headers = exchange.Http.Request.Headers;
        var authorization = headers.Authorization.ToString();
        if (!authorization.StartsWith(Scheme, StringComparison.Ordinal))
            return Refuse("MissingAuthenticationTokenException", "Missing Authentication Token");
        var parts = authorization[Scheme.Length..].Split(',', StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1], StringComparer.Ordinal);
        var scope = parts["Credential"].Split('/');
        if (scope.Length != 5 || tokens.Find(scope[0]) is not { } key)
            return Refuse("UnrecognizedClientException", "The security token included in the request is invalid.");
        if (tokens.IsExpired(key))
            return Refuse("ExpiredTokenException", "The security token included in the request is expired");
        if (key.Session is not null && headers["x-amz-security-token"] != key.Session)
            return Refuse("UnrecognizedClientException", "The security token included in the request is invalid.");
        if (tokens.Region is { } region && scope[2] != region)
            return Refuse("InvalidSignatureException", $"Credential should be scoped to a valid region, not '{scope[2]}'.");
        if (scope[3] != service)
            return Refuse("InvalidSignatureException", $"Credential should be scoped to correct service: '{service}'.");

        var names = parts["SignedHeaders"].Split(';');
        var moment = headers["x-amz-date"].ToString();
        if (!names.Contains("host") || !names.Contains("x-amz-date") || moment.Length != 16 || moment[..8] != scope[1])
            return Refuse("InvalidSignatureException", "Host and x-amz-date have to be signed.");
        var hash = Hex(SHA256.HashData(exchange.Body.Span));
        if (headers.TryGetValue("x-amz-content-sha256", out var said) && said != hash)
            return Refuse("InvalidSignatureException", "The body is not the one that was signed.");
        var canonical = string.Join('\n',
            exchange.Http.Request.Method,
            string.Join('/', exchange.Path.Split('/').Select(Uri.EscapeDataString)),
            Query(exchange.Target),
            string.Concat(names.Select(name => $"{name}:{headers[name].ToString().Trim()}\n")),
            parts["SignedHeaders"],
            hash);
        var credentialScope = string.Join('/', scope[1..]);
        var toSign = $"AWS4-HMAC-SHA256\n{moment}\n{credentialScope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signing = scope[1..].Aggregate(Encoding.UTF8.GetBytes("AWS4" + key.Secret), Mac);
        return Hex(Mac(signing, toSign)) == parts["Signature"]
            ? null
            : Refuse("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.");
    }

    private static Refusal Refuse(string exception, string message) => new(403, "permission_error", message, AtEdge: true, exception);

    private static string Query(string target)
    {
        var at = target.IndexOf('?', StringComparison.Ordinal);
        return at < 0 ? "" : string.Join('&', target[(at + 1)..].Split('&').Select(pair => pair.Contains('=') ? pair : pair + "=").Order(StringComparer.Ordinal));
    }

    private static byte[] Mac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
