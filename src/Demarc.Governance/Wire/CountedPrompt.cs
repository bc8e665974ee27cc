using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>
/// The body of a count of tokens, made of a Messages request: the members that counting knows, byte for byte, without those
/// that it refuses (source: "Count tokens in a Message", body parameters, of the Messages API and its beta).
/// </summary>
public static class CountedPrompt
{
    private static readonly HashSet<string> Counted =
    [
        "model", "messages", "system", "tools", "tool_choice", "thinking", "cache_control", "context_management", "mcp_servers", "output_config", "output_format",
        "speed", "anthropic_version", "anthropic_beta",
    ];

    // They say how to answer, and put nothing into the prompt.
    private static readonly HashSet<string> Dropped =
        ["max_tokens", "stream", "metadata", "temperature", "top_p", "top_k", "stop_sequences", "service_tier", "inference_geo", "tags"];

    /// <summary>Null where the body has a member of which it is not known whether it adds to the prompt, or is no JSON object.</summary>
    /// <param name="keepsMaxTokens">For a platform that is asked about a whole call (Amazon Bedrock API reference, CountTokens).</param>
    public static byte[]? Of(ReadOnlySpan<byte> body, bool keepsMaxTokens)
    {
        var output = new List<byte>(body.Length) { (byte)'{' };
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = RequestScanner.MaxDepth });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (name, start) = (reader.GetString()!, (int)reader.TokenStartIndex);
                reader.Read();
                reader.Skip();
                if (Counted.Contains(name) || (keepsMaxTokens && name == "max_tokens"))
                {
                    if (output.Count > 1)
                        output.Add((byte)',');
                    output.AddRange(body[start..(int)reader.BytesConsumed]);
                }
                else if (!Dropped.Contains(name))
                {
                    return null;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
        output.Add((byte)'}');
        return [.. output];
    }
}
