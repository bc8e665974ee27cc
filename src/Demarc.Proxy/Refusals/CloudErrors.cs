using System.Text;
using System.Text.Json;
using Demarc.Proxy.Ingress;

namespace Demarc.Proxy.Refusals;

/// <summary>What clients of Amazon Bedrock and Google Cloud expect of an error.</summary>
internal static class CloudErrors
{
    public const string AwsHeader = "x-amzn-errortype";

    /// <summary>529 is Anthropic's own; clients of the clouds wait and retry on 503.</summary>
    public static int Status(Dialect dialect, int status) => status == 529 && dialect is Dialect.Bedrock or Dialect.Vertex ? 503 : status;

    /// <summary>The exception's name (Amazon Bedrock Runtime API, "InvokeModel", Errors).</summary>
    public static string AwsException(int status) => status switch
    {
        401 or 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 or 504 => "ModelTimeoutException",
        429 => "ThrottlingException",
        502 or 503 => "ServiceUnavailableException",
        >= 500 => "InternalServerException",
        _ => "ValidationException",
    };

    /// <summary>The name of <c>google.rpc.Code</c> that stands for an HTTP status.</summary>
    public static string GoogleStatus(int status) => status switch
    {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        502 or 503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        >= 500 => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    };

    /// <summary>A provider's Anthropic envelope with AWS's <c>message</c> put before its own members.</summary>
    public static byte[] ForAws(ReadOnlyMemory<byte> envelope)
    {
        using var json = JsonDocument.Parse(envelope);
        var message = json.RootElement.GetProperty("error").TryGetProperty("message", out var text) ? text.GetRawText() : "\"\"";
        var open = envelope.Span.IndexOf((byte)'{') + 1;
        return [.. envelope.Span[..open], .. Encoding.UTF8.GetBytes($"\"message\":{message},"), .. envelope.Span[open..]];
    }
}
