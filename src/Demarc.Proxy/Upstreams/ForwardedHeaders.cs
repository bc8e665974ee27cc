using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Which headers cross. All do, known or not, but for the connection's own (RFC 9110, 7.6.1), credentials, cookies,
/// forwarding notes of proxies, and what Demarc says itself.
/// </summary>
internal static class ForwardedHeaders
{
    private static readonly string[] HopByHop =
        ["connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"];

    private static readonly FrozenSet<string> NotToUpstream = FrozenSet.ToFrozenSet(
        [.. HopByHop, .. Admission.Credential.Headers, "host", "content-length", "content-type", "accept-encoding", "expect", "cookie",
            Governance.Policy.RequestProject.Header, "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "via"],
        StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> NotToClient = FrozenSet.ToFrozenSet(
        [.. HopByHop, "content-length", "set-cookie", "server", "alt-svc", "date", "strict-transport-security"],
        StringComparer.OrdinalIgnoreCase);

    private const string ProviderRateLimits = "anthropic-ratelimit-";

    public static void ToUpstream(IHeaderDictionary from, HttpRequestMessage to)
    {
        var named = from.Connection;
        foreach (var (name, values) in from)
        {
            if (NotToUpstream.Contains(name) || name[0] == ':' || IsOfACloud(name) || IsNamedByConnection(named, name))
                continue;
            if (values.Count == 1)
                to.Headers.TryAddWithoutValidation(name, values[0]);
            else
                to.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values!);
        }
        to.Headers.TryAddWithoutValidation("accept-encoding", "identity");
    }

    /// <summary>The provider's own rate limits describe the operator's account, not this person's: they stay here.</summary>
    public static void ToClient(HttpResponseMessage from, HttpResponse to)
    {
        Copy(from.Headers.NonValidated, to.Headers);
        Copy(from.Content.Headers.NonValidated, to.Headers);
    }

    private static void Copy(HttpHeadersNonValidated from, IHeaderDictionary to)
    {
        foreach (var (name, values) in from)
        {
            if (NotToClient.Contains(name) || name.StartsWith(ProviderRateLimits, StringComparison.OrdinalIgnoreCase))
                continue;
            to[name] = values.Count == 1 ? values.ToString() : new StringValues([.. values]);
        }
    }

    // Signatures, session tokens and project names of the client's own cloud account, which is not the one that is asked.
    private static bool IsOfACloud(string name) =>
        name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("amz-sdk-", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("x-goog-", StringComparison.OrdinalIgnoreCase);

    private static bool IsNamedByConnection(StringValues connection, string name)
    {
        foreach (var value in connection)
        {
            if (value is null || value.Equals("keep-alive", StringComparison.OrdinalIgnoreCase) || value.Equals("close", StringComparison.OrdinalIgnoreCase))
                continue;
            foreach (var part in value.Split(','))
            {
                if (part.AsSpan().Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
                    return true;
            }
        }
        return false;
    }
}
