using System.Net.Http.Headers;
using System.Text.Json;
using Demarc.Governance.Wire;
using Demarc.Proxy.Refusals;

namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Providers' errors in the Anthropic envelope. One that comes in it passes byte for byte: Claude Code matches on the
/// wording. A cloud's own words can carry account ids; they are the operator's, the client gets the kind.
/// </summary>
internal static class ProviderErrors
{
    private const string TooLong = "Input is too long.";

    private static readonly string[] s_kept = ["retry-after", "retry-after-ms", "request-id", "apim-request-id", "x-should-retry"];

    // What clouds say of a prompt that does not fit, each in its own way.
    private static readonly string[] s_tooLong =
        ["input is too long", "prompt is too long", "payload size exceeds", "request size exceeds", "request payload is too large"];

    /// <summary>Puts an answer's error into the envelope where it is not; returns the cloud's own words then, for the operator's log.</summary>
    /// <param name="body">The answer's whole body.</param>
    public static string? Envelope(HttpResponseMessage response, byte[] body, string deployment, string requestId)
    {
        var headers = response.Content.Headers;
        string? words = null;
        if (AnswerReader.ErrorType(body) is null)
        {
            var status = (int)response.StatusCode;
            var (code, message) = Read(body);
            words = $"{code} {message}".Trim() is { Length: > 0 } said ? said : "(no words)";
            if (response.Headers.NonValidated.TryGetValues("x-amzn-errortype", out var exception))
                code = exception.ToString().Split(':')[0];
            var (type, text) = Translate(code, status, message, deployment, requestId);
            body = ErrorEnvelope.Json(type, text, requestId);
            // Its headers can tell as much as its words.
            foreach (var name in response.Headers.NonValidated.Select(h => h.Key).Except(s_kept, StringComparer.OrdinalIgnoreCase).ToArray())
                response.Headers.Remove(name);
            if (status is not (429 or >= 500) || status == 501)
                response.Headers.TryAddWithoutValidation("x-should-retry", "false");
        }
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = words is null ? headers.ContentType : new MediaTypeHeaderValue("application/json");
        foreach (var encoding in headers.ContentEncoding)
            content.Headers.ContentEncoding.Add(encoding);
        response.Content.Dispose();
        response.Content = content;
        return words;
    }

    /// <summary>The <c>error.type</c> and message for a cloud's code (an AWS exception, a Google status) or HTTP status.</summary>
    public static (string Type, string Message) Translate(string code, int status, string words, string deployment, string requestId)
    {
        var type = Type(code, status);
        if (type is "invalid_request_error" or "request_too_large" && Array.Exists(s_tooLong, t => words.Contains(t, StringComparison.OrdinalIgnoreCase)))
            return ("invalid_request_error", TooLong);
        var how = type switch
        {
            "rate_limit_error" => "is out of quota at its provider for now. Try again shortly",
            "overloaded_error" => "is overloaded at its provider. Try again shortly",
            "timeout_error" => "took too long at its provider. Try again",
            "not_found_error" => "is not known to its provider",
            "invalid_request_error" or "request_too_large" => "does not take this request",
            _ => "failed at its provider",
        };
        return (type, $"\"{deployment}\" {how}. Your administrator finds the provider's own words under {requestId}.");
    }

    private static string Type(string code, int status) => code.ToUpperInvariant() switch
    {
        "THROTTLINGEXCEPTION" or "SERVICEQUOTAEXCEEDEDEXCEPTION" or "RESOURCE_EXHAUSTED" => "rate_limit_error",
        "SERVICEUNAVAILABLEEXCEPTION" or "MODELNOTREADYEXCEPTION" or "UNAVAILABLE" => "overloaded_error",
        "MODELTIMEOUTEXCEPTION" or "DEADLINE_EXCEEDED" => "timeout_error",
        "VALIDATIONEXCEPTION" or "INVALID_ARGUMENT" or "FAILED_PRECONDITION" => "invalid_request_error",
        "RESOURCENOTFOUNDEXCEPTION" or "NOT_FOUND" => "not_found_error",
        "ACCESSDENIEDEXCEPTION" or "PERMISSION_DENIED" => "permission_error",
        _ => status switch
        {
            400 or 415 or 422 => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            408 or 504 => "timeout_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 or 529 => "overloaded_error",
            _ => "api_error",
        },
    };

    // {"message"} of AWS, {"error":{"code","status","message"}} of Azure and Google, also as Google's array of one.
    private static (string Code, string Message) Read(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
                root = root[0];
            if (root.ValueKind != JsonValueKind.Object)
                return ("", "");
            var error = root.TryGetProperty("error", out var inner) && inner.ValueKind == JsonValueKind.Object ? inner : root;
            return (Text(error, "status") ?? Text(error, "code") ?? "", Text(error, "message") ?? Text(error, "Message") ?? "");
        }
        catch (JsonException)
        {
            return ("", "");
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
