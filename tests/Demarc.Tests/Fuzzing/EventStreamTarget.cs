using System.Buffers.Binary;
using System.Text;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>A message of the AWS event stream reads as it was written, its beginnings are no message yet, and what was altered is none.</summary>
internal sealed class EventStreamTarget : FuzzTarget
{
    public override string Name => "event-stream";

    public override string[] Pieces => [":message-type", ":event-type", "chunk", "event", "\0\0\0\u0010", "\u0007"];

    public override byte[] Generate(Dice dice)
    {
        var headers = new MemoryStream();
        for (var n = dice.Below(5); n > 0; n--)
            Header(headers, dice);
        return Message(headers.ToArray(), dice.Bytes(dice.Below(60)));
    }

    public override void Check(byte[] input)
    {
        var read = AwsEventStreamReader.Read(input, out var message);
        Assert.Equal(Expected(input), read);
        if (read != EventStreamRead.Message)
            return;
        Assert.InRange(message.Length, 16, input.Length);
        Assert.Equal(message.Length - 4, message.Payload.End);
        for (var length = 0; length < message.Length; length++)
            Assert.Equal(EventStreamRead.Partial, AwsEventStreamReader.Read(input.AsSpan(0, length), out _));
        var (type, name) = Named(input.AsSpan(12, message.Payload.Start - 12));
        Assert.Equal((type, name), (message.Type, message.Name));
        var altered = input.ToArray();
        altered[Dice.Of(input).Below(message.Length)] ^= 1;
        Assert.NotEqual(EventStreamRead.Message, AwsEventStreamReader.Read(altered, out _));
    }

    // Written from the specification.
    private static EventStreamRead Expected(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 12)
            return EventStreamRead.Partial;
        var (total, headers) = (BinaryPrimitives.ReadUInt32BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]));
        if (Sum(bytes[..8]) != BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) || total < 16 || total > AwsEventStreamReader.MaxLength || headers > total - 16)
            return EventStreamRead.Broken;
        if (total > bytes.Length)
            return EventStreamRead.Partial;
        var end = (int)total - 4;
        return Sum(bytes[..end]) == BinaryPrimitives.ReadUInt32BigEndian(bytes[end..]) && Named(bytes.Slice(12, (int)headers)).Type is not null ? EventStreamRead.Message : EventStreamRead.Broken;
    }

    private static (string? Type, string? Name) Named(ReadOnlySpan<byte> headers)
    {
        var (type, name) = ("", "");
        try
        {
            while (headers.Length > 0)
            {
                var key = Encoding.UTF8.GetString(headers.Slice(1, headers[0]));
                headers = headers[(1 + headers[0])..];
                var kind = headers[0];
                headers = headers[1..];
                int[] sizes = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16];
                var size = sizes[kind];
                if (size < 0)
                {
                    size = BinaryPrimitives.ReadUInt16BigEndian(headers);
                    headers = headers[2..];
                }
                var value = headers[..size];
                if (kind == 7 && key == ":message-type")
                    type = Encoding.UTF8.GetString(value);
                if (kind == 7 && key is ":event-type" or ":exception-type" or ":error-code")
                    name = Encoding.UTF8.GetString(value);
                headers = headers[size..];
            }
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            return default;
        }
        return (type, name);
    }

    // CRC-32 bit by bit, as its polynomial defines it.
    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = ~0u;
        foreach (var b in bytes)
        {
            sum ^= b;
            for (var bit = 0; bit < 8; bit++)
                sum = (sum >> 1) ^ ((sum & 1) * 0xEDB88320);
        }
        return ~sum;
    }

    private static void Header(MemoryStream headers, Dice dice)
    {
        var name = Encoding.UTF8.GetBytes(dice.Of(":message-type", ":event-type", ":exception-type", ":content-type", "x", ""));
        headers.WriteByte((byte)name.Length);
        headers.Write(name);
        var kind = dice.Chance(70) ? 7 : dice.Below(11);
        headers.WriteByte((byte)kind);
        var value = kind switch
        {
            6 or 7 => Encoding.UTF8.GetBytes(dice.Of("event", "exception", "chunk", "throttlingException", "é", "")),
            2 => new byte[1],
            3 => new byte[2],
            4 => new byte[4],
            5 or 8 => new byte[8],
            9 => new byte[16],
            _ => [],
        };
        if (kind is 6 or 7)
            headers.Write([(byte)(value.Length >> 8), (byte)value.Length]);
        headers.Write(value);
    }

    private static byte[] Message(byte[] headers, byte[] payload)
    {
        var bytes = new byte[16 + headers.Length + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)bytes.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), (uint)headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Sum(bytes.AsSpan(0, 8)));
        headers.CopyTo(bytes, 12);
        payload.CopyTo(bytes, 12 + headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(bytes.Length - 4), Sum(bytes.AsSpan(0, bytes.Length - 4)));
        return bytes;
    }
}
