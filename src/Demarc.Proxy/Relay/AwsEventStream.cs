using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Wire;

namespace Demarc.Proxy.Relay;

/// <summary>
/// Writes <c>application/vnd.amazon.eventstream</c>: prelude (total length, headers length, its CRC), string headers,
/// payload, CRC; integers are big-endian (Smithy specification, "Amazon Event Stream"). Each server-sent event becomes
/// one message, as Bedrock's InvokeModelWithResponseStream sends them.
/// </summary>
internal static class AwsEventStream
{
    public const string ContentType = "application/vnd.amazon.eventstream";

    private const int PreludeLength = 12;
    private const int CrcLength = 4;
    private const byte StringHeader = 7;

    private static readonly byte[] ChunkHeaders =
        [.. Header(":event-type", "chunk"), .. Header(":content-type", "application/json"), .. Header(":message-type", "event")];

    // Bedrock sends nothing in silent gaps. Readers skip events of a type that they do not know, while a chunk without a
    // message in it, or with a ping, ends some of them.
    private static readonly byte[] KeepAliveHeaders =
        [.. Header(":event-type", "ping"), .. Header(":content-type", "application/json"), .. Header(":message-type", "event")];

    /// <summary>Writes one server-sent event: its data as a chunk, a ping or comment as an event of its own type, an error as an exception.</summary>
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> sse)
    {
        var data = SseFraming.Data(sse).Of(sse);
        switch (SseFraming.Kind(sse))
        {
            case SseEventKind.Error:
                var (type, message) = ErrorOf(data);
                WriteException(output, type, message);
                break;
            case SseEventKind.Ping:
            case var _ when data.IsEmpty:
                WriteMessage(output, KeepAliveHeaders, "{}"u8);
                break;
            default:
                WriteChunk(output, data);
                break;
        }
    }

    /// <summary>Writes an error that ends the stream, by its Anthropic type.</summary>
    public static void WriteException(IBufferWriter<byte> output, string errorType, string message)
    {
        using var payload = new MemoryStream();
        using (var json = new Utf8JsonWriter(payload))
        {
            json.WriteStartObject();
            json.WriteString("message", message);
            json.WriteEndObject();
        }
        byte[] headers = [.. Header(":exception-type", Exception(errorType)), .. Header(":content-type", "application/json"), .. Header(":message-type", "exception")];
        WriteMessage(output, headers, payload.GetBuffer().AsSpan(0, (int)payload.Length));
    }

    private static void WriteChunk(IBufferWriter<byte> output, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> before = "{\"bytes\":\""u8, after = "\"}"u8;
        var payload = before.Length + Base64.GetMaxEncodedToUtf8Length(data.Length) + after.Length;
        var message = Begin(output, ChunkHeaders, payload);
        var at = PreludeLength + ChunkHeaders.Length;
        before.CopyTo(message[at..]);
        at += before.Length;
        Base64.EncodeToUtf8(data, message[at..], out _, out var encoded);
        after.CopyTo(message[(at + encoded)..]);
        End(output, message);
    }

    private static void WriteMessage(IBufferWriter<byte> output, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var message = Begin(output, headers, payload.Length);
        payload.CopyTo(message[(PreludeLength + headers.Length)..]);
        End(output, message);
    }

    private static Span<byte> Begin(IBufferWriter<byte> output, ReadOnlySpan<byte> headers, int payload)
    {
        var length = PreludeLength + headers.Length + payload + CrcLength;
        var message = output.GetSpan(length)[..length];
        BinaryPrimitives.WriteInt32BigEndian(message, length);
        BinaryPrimitives.WriteInt32BigEndian(message[4..], headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message[8..], Crc32.Of(message[..8]));
        headers.CopyTo(message[PreludeLength..]);
        return message;
    }

    private static void End(IBufferWriter<byte> output, Span<byte> message)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message[^CrcLength..], Crc32.Of(message[..^CrcLength]));
        output.Advance(message.Length);
    }

    private static byte[] Header(string name, string value)
    {
        var header = new byte[1 + name.Length + 1 + 2 + value.Length];
        header[0] = (byte)name.Length;
        Encoding.ASCII.GetBytes(name, header.AsSpan(1));
        header[1 + name.Length] = StringHeader;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2 + name.Length), (ushort)value.Length);
        Encoding.ASCII.GetBytes(value, header.AsSpan(4 + name.Length));
        return header;
    }

    // The members of Bedrock's ResponseStream.
    private static string Exception(string errorType) => errorType switch
    {
        "overloaded_error" => "serviceUnavailableException",
        "rate_limit_error" => "throttlingException",
        "timeout_error" => "modelTimeoutException",
        "api_error" => "internalServerException",
        _ => "validationException",
    };

    private static (string Type, string Message) ErrorOf(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data);
            using var json = JsonDocument.ParseValue(ref reader);
            if (json.RootElement.TryGetProperty("error", out var error))
                return (error.GetProperty("type").GetString() ?? "api_error", error.GetProperty("message").GetString() ?? "");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // Observed only: what the provider said is not in the form of an error.
        }
        return ("api_error", "The provider ended the answer with an error.");
    }
}
