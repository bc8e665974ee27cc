using System.Buffers;
using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>
/// Turns the payload of a Bedrock chunk, <c>{"bytes":"…base64…"}</c>, into the server-sent event that the Messages API
/// would have sent (Amazon Bedrock API reference, InvokeModelWithResponseStream).
/// </summary>
public static class BedrockChunk
{
    /// <summary>Writes the event; false when the payload is none.</summary>
    public static bool TryWrite(ReadOnlySpan<byte> payload, IBufferWriter<byte> sse)
    {
        try
        {
            if (Json(payload) is not { } json || Type(json) is not { } type)
                return false;
            sse.Write("event: "u8);
            sse.Write(System.Text.Encoding.UTF8.GetBytes(type));
            sse.Write("\ndata: "u8);
            // Between tokens JSON may break lines, which would end the field; within strings it cannot.
            json.AsSpan().Replace((byte)'\n', (byte)' ');
            json.AsSpan().Replace((byte)'\r', (byte)' ');
            sse.Write(json);
            sse.Write("\n\n"u8);
            return true;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The <c>message</c> of an exception's payload; empty when there is none.</summary>
    public static string Message(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new Utf8JsonReader(payload);
            return reader.Find("message"u8) && reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "";
        }
    }

    private static byte[]? Json(ReadOnlySpan<byte> payload)
    {
        var reader = new Utf8JsonReader(payload);
        return reader.Find("bytes"u8) && reader.TokenType == JsonTokenType.String ? reader.GetBytesFromBase64() : null;
    }

    // An event's name ends its line: what could hold a line break is no name.
    private static string? Type(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        var type = reader.Find("type"u8) && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        while (reader.Read())
        {
            // To the end: half an event is none.
        }
        return type?.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') is true ? type : null;
    }
}
