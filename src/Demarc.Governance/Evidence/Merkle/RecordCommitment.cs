using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Unicode;

namespace Demarc.Governance.Evidence.Merkle;

/// <summary>
/// What the log holds of a record: HMAC-SHA-256 under a salt of the record's own over
/// <c>demarc-record-1</c>, organization, kind (<c>begun</c>, …), id, session (or nothing) and Unix milliseconds, a line
/// each, and then its body's bytes. Without the salt nobody can try what the record may have said.
/// </summary>
public static class RecordCommitment
{
    /// <summary>Bytes of a salt.</summary>
    public const int SaltSize = 16;

    // Of the lines before the body, without what names organization and session.
    private const int HeadRoom = 128;

    /// <summary>Bytes of a commitment, which is a leaf's entry.</summary>
    public const int Size = HMACSHA256.HashSizeInBytes;

    public static byte[] Of(ReadOnlySpan<byte> salt, string organizationId, RecordKind kind, Guid id, string? sessionId, long at, ReadOnlySpan<byte> body)
    {
        // Every record passes here once: its bytes are put together in a buffer that is used again.
        var buffer = ArrayPool<byte>.Shared.Rent(HeadRoom + (3 * (organizationId.Length + (sessionId?.Length ?? 0))) + body.Length);
        try
        {
            return HMACSHA256.HashData(salt, buffer.AsSpan(0, Write(buffer, organizationId, kind, id, sessionId, at, body)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Writes the bytes that are committed to; how many.</summary>
    /// <param name="buffer">Long enough for all of it.</param>
    public static int Write(Span<byte> buffer, string organizationId, RecordKind kind, Guid id, string? sessionId, long at, ReadOnlySpan<byte> body)
    {
        if (!Utf8.TryWrite(buffer, CultureInfo.InvariantCulture, $"demarc-record-1\n{organizationId}\n{Word(kind)}\n{id:D}\n{sessionId}\n{at}\n", out var head))
            throw new ArgumentException("The buffer is too short for the record.", nameof(buffer));
        body.CopyTo(buffer[head..]);
        return head + body.Length;
    }

    /// <summary>The kind of a word; none of ours for another word.</summary>
    public static RecordKind KindOf(string? word) => Array.Find(Enum.GetValues<RecordKind>(), kind => Word(kind) == word);

    /// <summary>A kind as it is committed to; a kind that is none of ours by its number.</summary>
    public static string Word(RecordKind kind) => kind switch
    {
        RecordKind.Begun => "begun",
        RecordKind.Attempt => "attempt",
        RecordKind.Finished => "finished",
        RecordKind.Event => "event",
        _ => ((int)kind).ToString(CultureInfo.InvariantCulture),
    };
}
