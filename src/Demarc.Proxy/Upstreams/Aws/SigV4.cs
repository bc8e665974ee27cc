using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Demarc.Proxy.Upstreams.Aws;

/// <summary>Signs requests (AWS IAM User Guide, "AWS Signature Version 4 for API requests"), header form.</summary>
internal static class SigV4
{
    /// <summary>SHA-256 of nothing, in hex.</summary>
    public const string EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <param name="payloadHash">SHA-256 of the body, in hex.</param>
    public static void Sign(HttpRequestMessage request, string payloadHash, AwsKeys keys, string region, string service, DateTimeOffset now)
    {
        var uri = request.RequestUri!;
        var moment = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var day = moment[..8];
        request.Headers.Host = uri.Authority;
        Set(request, "x-amz-date", moment);
        Set(request, "x-amz-content-sha256", payloadHash);
        if (keys.SessionToken is { } token)
            Set(request, "x-amz-security-token", token.Reveal());

        var headers = Signed(request, uri);
        var names = string.Join(';', headers.Select(h => h.Name));
        var canonical = $"{request.Method}\n{Path(uri)}\n{Query(uri)}\n{string.Concat(headers.Select(h => $"{h.Name}:{h.Value}\n"))}\n{names}\n{payloadHash}";
        var scope = $"{day}/{region}/{service}/aws4_request";
        var toSign = $"{Algorithm}\n{moment}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signature = Convert.ToHexStringLower(Mac(Key(keys.SecretKey.Reveal(), day, region, service), toSign));
        Set(request, "authorization", $"{Algorithm} Credential={keys.AccessKey}/{scope}, SignedHeaders={names}, Signature={signature}");
    }

    private static List<(string Name, string Value)> Signed(HttpRequestMessage request, Uri uri)
    {
        var headers = new List<(string Name, string Value)> { ("host", uri.Authority) };
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            var lower = name.ToLowerInvariant();
            if (lower.StartsWith("x-amz-", StringComparison.Ordinal) || lower == "anthropic-workspace-id")
                headers.Add((lower, values.ToString().Trim()));
        }
        headers.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return headers;
    }

    // Other than S3's, the path is encoded once more than it is on the wire.
    private static string Path(Uri uri) => string.Join('/', uri.AbsolutePath.Split('/').Select(Uri.EscapeDataString));

    private static string Query(Uri uri) => string.Join('&', uri.Query.TrimStart('?')
        .Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Split('=', 2))
        .Select(pair => $"{Encode(pair[0])}={(pair.Length > 1 ? Encode(pair[1]) : "")}")
        .Order(StringComparer.Ordinal));

    private static string Encode(string text) => Uri.EscapeDataString(Uri.UnescapeDataString(text));

    private static byte[] Key(string secret, string day, string region, string service) =>
        Mac(Mac(Mac(Mac(Encoding.UTF8.GetBytes("AWS4" + secret), day), region), service), "aws4_request");

    private static byte[] Mac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }
}
