using System.Buffers.Binary;
using System.Text;

namespace Demarc.Simulator.Tests;

internal sealed record EventStreamMessage(Dictionary<string, string> Headers, byte[] Payload);

/// <summary>A decoder of AWS event streams written from the format's description, apart from the simulator's encoder.</summary>
internal static class EventStreamDecoder
{
    public static List<EventStreamMessage> Decode(byte[] bytes)
    {
        var messages = new List<EventStreamMessage>();
        var at = 0;
        while (at < bytes.Length)
        {
            var total = ReadInt(bytes, at);
            var headersLength = ReadInt(bytes, at + 4);
            Assert.Equal(BitwiseCrc(bytes.AsSpan(at, 8)), (uint)ReadInt(bytes, at + 8));
            Assert.Equal(BitwiseCrc(bytes.AsSpan(at, total - 4)), (uint)ReadInt(bytes, at + total - 4));
            var headers = new Dictionary<string, string>();
            for (var h = at + 12; h < at + 12 + headersLength;)
            {
                var name = ReadText(bytes, ref h, bytes[h], 1);
                Assert.Equal(7, bytes[h++]);
                headers[name] = ReadText(bytes, ref h, BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(h)), 2);
            }

            messages.Add(new(headers, bytes[(at + 12 + headersLength)..(at + total - 4)]));
            at += total;
        }

        return messages;
    }

    private static int ReadInt(byte[] bytes, int at) => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));

    private static string ReadText(byte[] bytes, ref int at, int length, int prefix)
    {
        var text = Encoding.ASCII.GetString(bytes, at + prefix, length);
        at += prefix + length;
        return text;
    }

    // Bit by bit, most significant first: the textbook division, unlike the table the encoder uses.
    private static uint BitwiseCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var value in bytes)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var carry = (crc >> 31) ^ (uint)((value >> bit) & 1);
                crc = (crc << 1) ^ (carry == 0 ? 0 : 0x04C11DB7u);
            }
        }

        var reflected = 0u;
        for (var bit = 0; bit < 32; bit++)
            reflected |= ((crc >> bit) & 1) << (31 - bit);
        return ~reflected;
    }
}
