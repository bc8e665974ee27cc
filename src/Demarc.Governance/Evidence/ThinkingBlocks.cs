using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Demarc.Governance.Evidence;

/// <summary>Takes thinking out of what is captured: providers sign it, and it is nobody's to read.</summary>
internal static class ThinkingBlocks
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = Wire.RequestScanner.MaxDepth + 16 };
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = Wire.RequestScanner.MaxDepth + 16 };

    /// <summary>A message, or an answer's content, without its thinking blocks; what cannot be read is left as it is.</summary>
    public static byte[] Without(ReadOnlySpan<byte> json)
    {
        try
        {
            var read = JsonNode.Parse(json, documentOptions: Deep);
            var blocks = read as JsonArray ?? (read as JsonObject)?["content"] as JsonArray;
            if (blocks?.RemoveAll(IsThinking) is > 0)
                return JsonSerializer.SerializeToUtf8Bytes(read, Plain);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // Bytes that are no JSON of the API: kept as the client sent them, as ever.
        }
        return json.ToArray();
    }

    private static bool IsThinking(JsonNode? block) =>
        block is JsonObject fields && fields["type"] is JsonValue type && type.TryGetValue<string>(out var name) && name is "thinking" or "redacted_thinking";
}
