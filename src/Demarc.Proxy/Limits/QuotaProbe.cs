using System.Text.Json;
using Demarc.Governance.Identity;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Limits;

/// <summary>
/// Claude Code asks at its start for one token of an answer to "quota", to read the usage headers. A person with limits gets
/// them here, and no provider is asked.
/// </summary>
internal static class QuotaProbe
{
    private const int MaxMessageBytes = 128;

    public static bool Is(Exchange x) =>
        x.Facts is { MaxTokens: 1, Stream: false, System.IsEmpty: true, Messages: [{ Length: < MaxMessageBytes } message] }
        && x.Path.Form == Governance.Wire.BodyForm.Anthropic
        && message.Of(x.Body.Span).IndexOf("\"quota\""u8) >= 0;

    public static async Task AnswerAsync(Exchange x)
    {
        var response = x.Http.Response;
        UsageHeaders.Write(response.Headers, x.Spend!.Limits);
        response.Headers["demarc-request-id"] = x.IdText;
        response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("id", Ids.From("msg_", x.Id));
        json.WriteString("type", "message");
        json.WriteString("role", "assistant");
        json.WriteString("model", x.Facts.Model);
        json.WriteStartArray("content");
        json.WriteEndArray();
        json.WriteString("stop_reason", "max_tokens");
        json.WriteNull("stop_sequence");
        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", 0);
        json.WriteNumber("output_tokens", 0);
        json.WriteEndObject();
        json.WriteEndObject();
        await json.FlushAsync(x.Http.RequestAborted);
    }
}
