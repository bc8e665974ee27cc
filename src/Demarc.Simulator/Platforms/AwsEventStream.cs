using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;

namespace Demarc.Simulator.Platforms;

/// <summary>
/// Writes messages of <c>application/vnd.amazon.eventstream</c>: prelude (total length, headers length, prelude CRC),
/// string headers, payload, message CRC; integers are big-endian (AWS SDK "Amazon event stream" specification).
/// </summary>
internal static class AwsEventStream
{
    private const int PreludeLength = 12;
    private const int CrcLength = 4;
    private const byte StringHeader = 7;

    private static readonly byte[] s_chunkHeaders =
        [.. Header(":event-type", "chunk"), .. Header(":content-type", "application/json"), .. Header(":message-type", "event")];

    /// <summary>Writes a Messages event as a chunk: its JSON in base64 inside <c>{"bytes":…}</c>.</summary>
    public static void WriteChunk(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> json)
    {
        // "p" pads payloads to hide their length; readers ignore it.
        ReadOnlySpan<byte> before = "{\"bytes\":\""u8, after = "\",\"p\":\"abcdefghijk\"}"u8;
        var payload = before.Length + Base64.GetMaxEncodedToUtf8Length(json.Length) + after.Length;
        var message = Begin(output, s_chunkHeaders, payload);
        var at = PreludeLength + s_chunkHeaders.Length;
        before.CopyTo(message[at..]);
        at += before.Length;
        Base64.EncodeToUtf8(json, message[at..], out _, out var encoded);
        after.CopyTo(message[(at + encoded)..]);
        End(output, message);
    }

    /// <summary>Writes an exception, e.g. <c>throttlingException</c>, whose payload is <c>{"message":…}</c>.</summary>
    public static void WriteException(ArrayBufferWriter<byte> output, string type, ReadOnlySpan<byte> json)
    {
        byte[] headers = [.. Header(":exception-type", type), .. Header(":content-type", "application/json"), .. Header(":message-type", "exception")];
        var message = Begin(output, headers, json.Length);
        json.CopyTo(message[(PreludeLength + headers.Length)..]);
        End(output, message);
    }

    private static Span<byte> Begin(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> headers, int payload)
    {
        var length = PreludeLength + headers.Length + payload + CrcLength;
        var message = output.GetSpan(length)[..length];
        BinaryPrimitives.WriteInt32BigEndian(message, length);
        BinaryPrimitives.WriteInt32BigEndian(message[4..], headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message[8..], Crc32.Of(message[..8]));
        headers.CopyTo(message[PreludeLength..]);
        return message;
    }

    private static void End(ArrayBufferWriter<byte> output, Span<byte> message)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message[^CrcLength..], Crc32.Of(message[..^CrcLength]));
        output.Advance(message.Length);
    }

    private static byte[] Header(string name, string value)
    {
        var header = new byte[1 + name.Length + 1 + 2 + value.Length];
        header[0] = (byte)name.Length;
        System.Text.Encoding.ASCII.GetBytes(name, header.AsSpan(1));
        header[1 + name.Length] = StringHeader;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2 + name.Length), (ushort)value.Length);
        System.Text.Encoding.ASCII.GetBytes(value, header.AsSpan(4 + name.Length));
        return header;
    }
}
