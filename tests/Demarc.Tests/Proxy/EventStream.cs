using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Demarc.Tests.Proxy;

internal sealed record EventStreamMessage(Dictionary<string, string> Headers, byte[] Payload)
{
    /// <summary>What a chunk carries.</summary>
    public byte[] Chunk => JsonDocument.Parse(Payload).RootElement.GetProperty("bytes").GetBytesFromBase64();
}

/// <summary>Reads AWS event streams as their specification describes them, apart from the gateway's own code.</summary>
internal static class EventStream
{
    public static List<EventStreamMessage> Decode(byte[] bytes)
    {
        var messages = new List<EventStreamMessage>();
        for (var at = 0; at < bytes.Length;)
        {
            var total = ReadInt(bytes, at);
            var end = at + 12 + ReadInt(bytes, at + 4);
            Assert.Equal(Crc(bytes.AsSpan(at, 8)), (uint)ReadInt(bytes, at + 8));
            Assert.Equal(Crc(bytes.AsSpan(at, total - 4)), (uint)ReadInt(bytes, at + total - 4));
            var headers = new Dictionary<string, string>();
            for (var h = at + 12; h < end;)
            {
                var name = Text(bytes, ref h, bytes[h], 1);
                Assert.Equal(7, bytes[h++]);
                headers[name] = Text(bytes, ref h, BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(h)), 2);
            }
            messages.Add(new(headers, bytes[end..(at + total - 4)]));
            at += total;
        }
        return messages;
    }

    private static int ReadInt(byte[] bytes, int at) => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));

    private static string Text(byte[] bytes, ref int at, int length, int prefix)
    {
        var text = Encoding.ASCII.GetString(bytes, at + prefix, length);
        at += prefix + length;
        return text;
    }

    // Bit by bit, by the textbook's division.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
        }
        return ~crc;
    }
}
