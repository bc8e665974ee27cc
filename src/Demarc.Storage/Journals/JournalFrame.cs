using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Journals;

/// <summary>
/// A record as the journal holds it, little-endian: bytes of the frame after the first eight (4), their CRC-32C (4), the
/// record's number (8), its kind (1), request (16, big-endian), time (8), organization, session, body and content, each after its
/// length (4; -1 for no session). Eight zero bytes end what was written.
/// </summary>
internal static class JournalFrame
{
    /// <summary>What ends the frames: no frame has a length of zero.</summary>
    public const int EndBytes = 8;

    private const int HeadBytes = 8;
    private const int FixedBytes = HeadBytes + 8 + 1 + 16 + 8 + (4 * 4);

    // Far above a record with the largest body that the gateway takes: what is longer is no frame.
    private const int MaxBytes = 1 << 30;

    public static int Size(EvidenceRecord record) =>
        FixedBytes + Encoding.UTF8.GetByteCount(record.OrganizationId) + Encoding.UTF8.GetByteCount(record.SessionId ?? "") + record.Body.Length + record.Content.Length;

    /// <summary>Writes a frame to the start of <paramref name="to"/> and gives its length.</summary>
    public static int Write(Span<byte> to, long number, EvidenceRecord record)
    {
        var at = HeadBytes;
        BinaryPrimitives.WriteInt64LittleEndian(to[at..], number);
        to[at + 8] = (byte)record.Kind;
        record.RequestId.TryWriteBytes(to[(at + 9)..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(to[(at + 25)..], record.At);
        at += 33;
        at += Text(to[at..], record.OrganizationId);
        at += Text(to[at..], record.SessionId);
        at += Bytes(to[at..], record.Body.Span);
        at += Bytes(to[at..], record.Content.Span);
        BinaryPrimitives.WriteInt32LittleEndian(to, at - HeadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], Checksum(to[HeadBytes..at]));
        return at;
    }

    /// <summary>Reads the frame at the start; false where none is, or one that was not written whole.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out long number, out EvidenceRecord record, out int length)
    {
        (number, record, length) = (0, null!, 0);
        if (from.Length < FixedBytes)
            return false;
        var rest = BinaryPrimitives.ReadInt32LittleEndian(from);
        if (rest is < FixedBytes - HeadBytes or > MaxBytes || rest > from.Length - HeadBytes)
            return false;
        var frame = from.Slice(HeadBytes, rest);
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[4..]) != Checksum(frame))
            return false;
        length = HeadBytes + rest;
        number = BinaryPrimitives.ReadInt64LittleEndian(frame);
        var at = 33;
        record = new EvidenceRecord
        {
            Kind = (RecordKind)frame[8],
            RequestId = new Guid(frame[9..25], bigEndian: true),
            At = BinaryPrimitives.ReadInt64LittleEndian(frame[25..]),
            OrganizationId = Encoding.UTF8.GetString(Next(frame, ref at)!),
            SessionId = Next(frame, ref at) is { } session ? Encoding.UTF8.GetString(session) : null,
            Body = Next(frame, ref at),
            Content = Next(frame, ref at),
        };
        return true;
    }

    private static int Text(Span<byte> to, string? text)
    {
        var length = text is null ? 0 : Encoding.UTF8.GetBytes(text, to[4..]);
        BinaryPrimitives.WriteInt32LittleEndian(to, text is null ? -1 : length);
        return 4 + length;
    }

    private static int Bytes(Span<byte> to, ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(to, bytes.Length);
        bytes.CopyTo(to[4..]);
        return 4 + bytes.Length;
    }

    private static byte[]? Next(ReadOnlySpan<byte> frame, ref int at)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(frame[at..]);
        at += 4;
        if (length < 0)
            return null;
        at += length;
        return frame.Slice(at - length, length).ToArray();
    }

    // CRC-32C: processors have an instruction for it.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            crc = BitOperations.Crc32C(crc, word);
        foreach (var value in bytes[(bytes.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}
