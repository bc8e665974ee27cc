using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Demarc.Simulator.Platforms;

/// <summary>
/// Writes messages of <c>application/vnd.amazon.eventstream</c>: prelude (total length, headers length, prelude CRC),
/// string headers, payload, message CRC; integers are big-endian (AWS SDK "Amazon event stream" specification). On
/// purpose not the gateway's own writer: a misreading of the format there must not be answered by the same one here.
/// </summary>
internal static class AwsEventStream
{
    private const byte StringHeader = 7;

    /// <summary>Writes a Messages event as a chunk: its JSON in base64 inside <c>{"bytes":…}</c>.</summary>
    // "p" pads payloads to hide their length; readers ignore it.
    public static void WriteChunk(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> json) =>
        Write(output, "event", "chunk", Encoding.ASCII.GetBytes($$"""{"bytes":"{{Convert.ToBase64String(json)}}","p":"abcdefghijk"}"""));

    /// <summary>Writes an exception, e.g. <c>throttlingException</c>, whose payload is <c>{"message":…}</c>.</summary>
    public static void WriteException(ArrayBufferWriter<byte> output, string type, ReadOnlySpan<byte> json) =>
        Write(output, "exception", type, json);

    private static void Write(ArrayBufferWriter<byte> output, string kind, string name, ReadOnlySpan<byte> payload)
    {
        byte[] headers = [.. Header($":{kind}-type", name), .. Header(":content-type", "application/json"), .. Header(":message-type", kind)];
        byte[] prelude = [.. Integer((uint)(12 + headers.Length + payload.Length + 4)), .. Integer((uint)headers.Length)];
        byte[] message = [.. prelude, .. Integer(Crc(prelude)), .. headers, .. payload];
        output.Write(message);
        output.Write(Integer(Crc(message)));
    }

    private static byte[] Header(string name, string value) =>
        [(byte)name.Length, .. Encoding.ASCII.GetBytes(name), StringHeader, (byte)(value.Length >> 8), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    private static byte[] Integer(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    // CRC-32 as in zip: polynomial 0xEDB88320, reflected; bit by bit, for speed is no aim here.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }
        return ~crc;
    }
}
