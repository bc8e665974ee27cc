using System.Text;
using System.Text.Json;

namespace Demarc.Proxy.Ingress;

/// <summary>
/// Takes the body out of Bedrock's CountTokens, <c>{"input":{"invokeModel":{"body":"BASE64"}}}</c> (Amazon Bedrock Runtime
/// API, "CountTokens"), and from it <c>max_tokens</c>, which counting does not know elsewhere.
/// </summary>
internal static class BedrockCount
{
    private const string Accepted = "Send {\"input\":{\"invokeModel\":{\"body\":\"…\"}}} with the body of the call to count, in base64.";

    /// <summary>The body to count, or null with what is wrong with it.</summary>
    public static byte[]? Unwrap(ReadOnlyMemory<byte> body, out string problem)
    {
        problem = "";
        try
        {
            using var json = JsonDocument.Parse(body);
            var input = Field(json.RootElement, "input");
            if (Field(input, "converse") is not null)
                problem = "input.converse: Tokens of the Converse API are not counted here. " + Accepted;
            else if (Field(Field(input, "invokeModel"), "body") is { ValueKind: JsonValueKind.String } text && text.TryGetBytesFromBase64(out var bytes))
                return WithoutMaxTokens(bytes);
            else
                problem = "input.invokeModel.body: Field required, in base64. " + Accepted;
        }
        catch (JsonException)
        {
            problem = "The request body is not valid JSON. " + Accepted;
        }
        return null;
    }

    /// <summary>The answer in Bedrock's shape: <c>{"inputTokens":N}</c>.</summary>
    public static byte[] Answer(ReadOnlyMemory<byte> body)
    {
        using var json = JsonDocument.Parse(body);
        return Encoding.UTF8.GetBytes($"{{\"inputTokens\":{Field(json.RootElement, "input_tokens")?.GetRawText() ?? "0"}}}");
    }

    private static JsonElement? Field(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } map && map.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    // What is no JSON goes on as it is: the scan of the body says what is wrong with it.
    private static byte[] WithoutMaxTokens(byte[] body)
    {
        var reader = new Utf8JsonReader(body);
        var previous = -1;
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var start = (int)reader.TokenStartIndex;
                var found = reader.ValueTextEquals("max_tokens"u8);
                reader.Read();
                reader.Skip();
                var end = (int)reader.BytesConsumed;
                if (!found)
                {
                    previous = end;
                    continue;
                }
                // The comma goes with it: the one behind, or at the end of the object the one before.
                reader.Read();
                return reader.TokenType == JsonTokenType.PropertyName ? [.. body[..start], .. body[(int)reader.TokenStartIndex..]]
                    : [.. body[..(previous < 0 ? start : previous)], .. body[end..]];
            }
        }
        catch (JsonException)
        {
            return body;
        }
        return body;
    }
}
