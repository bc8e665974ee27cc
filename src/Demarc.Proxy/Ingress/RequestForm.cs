using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>What a request's headers have to be before its body is read.</summary>
internal static class RequestForm
{
    private const int MaxHeaderBytes = 64 << 10;

    /// <summary>Why the body is not read; null when it can be.</summary>
    public static (Refused Refused, string Message)? Problem(HttpRequest request, Dialect dialect)
    {
        if (HeaderBytes(request.Headers) > MaxHeaderBytes)
            return (Refused.HeadersTooLarge, $"The request headers are larger than {MaxHeaderBytes} bytes. Send fewer or shorter ones.");
        if (request.ContentType is { } type && !IsMedia(type, "application/json")
            // AWS SDKs send InvokeModel's body as a blob when they are told nothing else.
            && !(dialect == Dialect.Bedrock && IsMedia(type, "application/octet-stream")))
            return (Refused.ContentType, "The content type has to be application/json.");
        if (request.Headers.ContentEncoding is [{ Length: > 0 } encoding, ..] && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            return (Refused.ContentType, "The request body is compressed. Send it without content-encoding.");
        return null;
    }

    // With or without parameters behind it.
    private static bool IsMedia(string contentType, string name) =>
        contentType.StartsWith(name, StringComparison.OrdinalIgnoreCase) && (contentType.Length == name.Length || contentType[name.Length] is ';' or ' ');

    private static int HeaderBytes(IHeaderDictionary headers)
    {
        var bytes = 0;
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
                bytes += name.Length + (value?.Length ?? 0) + 4;
        }
        return bytes;
    }
}
