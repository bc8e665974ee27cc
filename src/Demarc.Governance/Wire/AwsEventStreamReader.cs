using System.Buffers.Binary;

namespace Demarc.Governance.Wire;

/// <summary>What stands at the start of the bytes.</summary>
public enum EventStreamRead
{
    /// <summary>Not yet a whole message.</summary>
    Partial,

    Message,

    /// <summary>Not a message of the format: nothing behind it can be read either.</summary>
    Broken,
}

/// <summary>One message of an <c>application/vnd.amazon.eventstream</c>; slices point into the bytes it was read from.</summary>
/// <param name="Length">Of the whole message.</param>
/// <param name="Type"><c>:message-type</c>: <c>event</c>, <c>exception</c> or <c>error</c>.</param>
/// <param name="Name"><c>:event-type</c>, <c>:exception-type</c> or <c>:error-code</c>.</param>
public readonly record struct EventStreamMessage(int Length, string Type, string Name, Slice Payload);

/// <summary>
/// Reads the AWS event stream: prelude (total length, headers' length, CRC of both), headers, payload, CRC of all before
/// it; integers are big-endian (AWS SDK, "Amazon Event Stream Specification").
/// </summary>
public static class AwsEventStreamReader
{
    /// <summary>The largest message, bytes; the specification's payloads end at 16 MiB and its headers at 128 KiB.</summary>
    public const int MaxLength = (16 << 20) + (128 << 10) + Prelude + Crc;

    private const int Prelude = 12;
    private const int Crc = 4;

    public static EventStreamRead Read(ReadOnlySpan<byte> bytes, out EventStreamMessage message)
    {
        message = default;
        if (bytes.Length < Prelude)
            return EventStreamRead.Partial;
        var total = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var headers = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) != Crc32.Of(bytes[..8]))
            return EventStreamRead.Broken;
        if (total is < Prelude + Crc or > MaxLength || headers > total - Prelude - Crc)
            return EventStreamRead.Broken;
        var length = (int)total;
        if (bytes.Length < length)
            return EventStreamRead.Partial;
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes[(length - Crc)..]) != Crc32.Of(bytes[..(length - Crc)]))
            return EventStreamRead.Broken;
        var payload = Prelude + (int)headers;
        if (!TryHeaders(bytes[Prelude..payload], out var type, out var name))
            return EventStreamRead.Broken;
        message = new EventStreamMessage(length, type, name, new Slice(payload, length - Crc - payload));
        return EventStreamRead.Message;
    }

    private static bool TryHeaders(ReadOnlySpan<byte> headers, out string type, out string name)
    {
        type = name = "";
        while (!headers.IsEmpty)
        {
            var nameLength = headers[0];
            if (headers.Length < nameLength + 2)
                return false;
            var key = headers.Slice(1, nameLength);
            var kind = headers[nameLength + 1];
            headers = headers[(nameLength + 2)..];
            if (ValueLength(kind, headers) is not { } value || headers.Length < value.Start + value.Length)
                return false;
            if (kind == 7 && key.SequenceEqual(":message-type"u8))
                type = Text(value.Of(headers));
            else if (kind == 7 && (key.SequenceEqual(":event-type"u8) || key.SequenceEqual(":exception-type"u8) || key.SequenceEqual(":error-code"u8)))
                name = Text(value.Of(headers));
            headers = headers[value.End..];
        }
        return true;
    }

    // Where a header's value stands: booleans have none, numbers a fixed length, bytes and strings their own before them.
    private static Slice? ValueLength(byte kind, ReadOnlySpan<byte> rest) => kind switch
    {
        0 or 1 => new Slice(0, 0),
        2 => new Slice(0, 1),
        3 => new Slice(0, 2),
        4 => new Slice(0, 4),
        5 or 8 => new Slice(0, 8),
        9 => new Slice(0, 16),
        6 or 7 when rest.Length >= 2 => new Slice(2, BinaryPrimitives.ReadUInt16BigEndian(rest)),
        _ => null,
    };

    private static string Text(ReadOnlySpan<byte> value) => value switch
    {
        _ when value.SequenceEqual("event"u8) => "event",
        _ when value.SequenceEqual("chunk"u8) => "chunk",
        _ => System.Text.Encoding.UTF8.GetString(value),
    };
}
