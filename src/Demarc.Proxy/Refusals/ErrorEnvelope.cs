using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Refusals;

/// <summary>The Anthropic error envelope: <c>{"type":"error","error":{"type","message"},"request_id"}</c>.</summary>
public static class ErrorEnvelope
{
    /// <summary>The envelope as UTF-8 JSON.</summary>
    public static byte[] Json(string type, string message, string? requestId)
    {
        using var output = new MemoryStream(256);
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("type", "error");
            json.WriteStartObject("error");
            json.WriteString("type", type);
            json.WriteString("message", message);
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
    public static Task WriteAsync(HttpContext http, int status, string type, string message, string? requestId = null, bool retry = false)
    {
        var body = Json(type, message, requestId);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        if (!retry)
            http.Response.Headers["x-should-retry"] = "false";
        return http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }
}
