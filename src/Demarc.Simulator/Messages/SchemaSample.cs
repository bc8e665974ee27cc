using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Demarc.Simulator.Messages;

/// <summary>The least instance of a JSON schema, as an answer's text: clients ask so for titles and summaries.</summary>
internal static class SchemaSample
{
    /// <summary>Returns JSON text, escaped for a place inside a JSON string.</summary>
    public static byte[] Write(ReadOnlyMemory<byte> schema)
    {
        using var document = JsonDocument.Parse(schema);
        var sample = Sample(document.RootElement)?.ToJsonString() ?? "null";
        return JsonEncodedText.Encode(sample, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.ToArray();
    }

    private static JsonNode? Sample(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            return null;
        if (schema.TryGetProperty("const", out var only))
            return JsonNode.Parse(only.GetRawText());
        if (schema.TryGetProperty("enum", out var values) && values.GetArrayLength() > 0)
            return JsonNode.Parse(values[0].GetRawText());
        return Kind(schema) switch
        {
            "object" => SampleObject(schema),
            "array" => new JsonArray(),
            "string" => "Echo",
            "integer" or "number" => 0,
            "boolean" => false,
            _ => null,
        };
    }

    private static JsonObject SampleObject(JsonElement schema)
    {
        var sample = new JsonObject();
        if (schema.TryGetProperty("properties", out var properties))
        {
            foreach (var property in properties.EnumerateObject())
                sample[property.Name] = Sample(property.Value);
        }

        return sample;
    }

    private static string? Kind(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out var type))
            return schema.TryGetProperty("properties", out _) ? "object" : null;
        return type.ValueKind == JsonValueKind.Array ? type[0].GetString() : type.GetString();
    }
}
