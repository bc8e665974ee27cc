using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage.Evidence.Merkle;

/// <summary>A record as the log holds it now.</summary>
public sealed record LoggedRecord
{
    public required long Sequence { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>A <see cref="RecordKind"/>.</summary>
    public required long Kind { get; init; }

    /// <summary>16 big-endian bytes.</summary>
    public required byte[] RequestId { get; init; }

    public string? SessionId { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long At { get; init; }

    /// <summary>UTF-8 JSON.</summary>
    public required byte[] Body { get; init; }

    public Guid Id => RequestId.Length == 16 ? new Guid(RequestId, bigEndian: true) : default;

    /// <summary>What the tree holds of it under that salt.</summary>
    public byte[] CommitmentUnder(ReadOnlySpan<byte> salt) =>
        RecordCommitment.Of(salt, OrganizationId, (RecordKind)Kind, Id, SessionId, At, Body);
}
