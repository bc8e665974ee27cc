using System.Text.Encodings.Web;
using System.Text.Json;
using Demarc.Proxy.Ingress;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Refusals;

/// <summary>
/// The Anthropic error envelope, <c>{"type":"error","error":{"type","message"},"request_id"}</c>, with what clients of a
/// cloud look for beside it: AWS's <c>message</c> and <c>x-amzn-errortype</c>, Google's <c>error.code</c> and
/// <c>error.status</c>. Without the Anthropic members Claude Code would retry what cannot succeed in those modes.
/// </summary>
public static class ErrorEnvelope
{
    // Quotes and backticks as they are, for who reads it in a terminal; every answer is application/json.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The envelope as UTF-8 JSON.</summary>
    public static byte[] Json(string type, string message, string? requestId, Dialect dialect = Dialect.Anthropic, int status = 200)
    {
        using var output = new MemoryStream(256);
        using (var json = new Utf8JsonWriter(output, Readable))
        {
            json.WriteStartObject();
            if (dialect == Dialect.Bedrock)
                json.WriteString("message", message);
            json.WriteString("type", "error");
            json.WriteStartObject("error");
            json.WriteString("type", type);
            json.WriteString("message", message);
            if (dialect == Dialect.Vertex)
            {
                json.WriteNumber("code", status);
                json.WriteString("status", CloudErrors.GoogleStatus(status));
            }
            json.WriteEndObject();
            if (requestId is not null)
                json.WriteString("request_id", requestId);
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    /// <summary>The envelope as a server-sent <c>error</c> event: the honest end of a stream that cannot go on.</summary>
    public static byte[] Event(string type, string message, string? requestId) =>
        [.. "event: error\ndata: "u8, .. Json(type, message, requestId), .. "\n\n"u8];

    /// <summary>Answers with the envelope; nothing must have been sent yet.</summary>
    public static Task WriteAsync(
        HttpContext http, int status, string type, string message, string? requestId = null, bool retry = false, Dialect dialect = Dialect.Anthropic)
    {
        status = CloudErrors.Status(dialect, status);
        var body = Json(type, message, requestId, dialect, status);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        if (dialect == Dialect.Bedrock)
            http.Response.Headers[CloudErrors.AwsHeader] = CloudErrors.AwsException(status);
        if (!retry)
            http.Response.Headers["x-should-retry"] = "false";
        return http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }
}
