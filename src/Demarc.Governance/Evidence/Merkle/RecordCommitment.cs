using System.Globalization;
using System.Security.Cryptography;
using System.Text;

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

    /// <summary>Bytes of a commitment, which is a leaf's entry.</summary>
    public const int Size = HMACSHA256.HashSizeInBytes;

    public static byte[] Of(ReadOnlySpan<byte> salt, string organizationId, RecordKind kind, Guid id, string? sessionId, long at, ReadOnlySpan<byte> body) =>
        HMACSHA256.HashData(salt, Canonical(organizationId, kind, id, sessionId, at, body));

    /// <summary>The bytes that are committed to.</summary>
    public static byte[] Canonical(string organizationId, RecordKind kind, Guid id, string? sessionId, long at, ReadOnlySpan<byte> body) =>
        [.. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"demarc-record-1\n{organizationId}\n{Word(kind)}\n{id:D}\n{sessionId}\n{at}\n")), .. body];

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
