using System.Text;
using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Control.Proofs;

/// <summary>
/// Records with all that it takes to check them where there is no store: a checkpoint, and for each record its salt, its
/// leaf and the path from there to the root. JSON, <c>{"format":"demarc-proof-1","checkpoint","keys","endorsements","records":[…]}</c>.
/// </summary>
public sealed record ProofFile
{
    public const string CurrentFormat = "demarc-proof-1";

    public required string Format { get; init; }

    /// <summary>The signed note that the paths lead to.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Public keys that have signed, oldest first. To be compared with those that the reader has from elsewhere.</summary>
    public required string[] Keys { get; init; }

    /// <summary>Notes by which each key names the next.</summary>
    public required string[] Endorsements { get; init; }

    public required ProvenRecord[] Records { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, AdminAnswer.Wire);

    /// <summary>Null for what is no proof of this format.</summary>
    public static ProofFile? Parse(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize<ProofFile>(json, AdminAnswer.Wire) is { Format: CurrentFormat } file ? file : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What does not hold of it; empty when all does.</summary>
    /// <param name="trusted">The keys that the reader trusts.</param>
    public IEnumerable<CheckFinding> Problems(IReadOnlyCollection<NoteKey> trusted)
    {
        var keys = KeyEndorsement.Extend(trusted, Endorsements.Select(SignedNote.Parse).OfType<SignedNote>());
        if (SignedNote.Parse(Checkpoint) is not { } note || Governance.Evidence.Merkle.Checkpoint.Parse(note.Text) is not { } checkpoint)
        {
            yield return new CheckFinding("the checkpoint", "is none");
            yield break;
        }
        if (!note.IsSignedBy(keys))
            yield return new CheckFinding("the checkpoint", "is not signed by a key that you trust");
        foreach (var record in Records.Where(r => !r.IsIn(checkpoint)))
            yield return new CheckFinding($"record {record.Leaf}", "is not in the log that was signed, or was changed");
    }
}

/// <summary>A record of a proof.</summary>
public sealed record ProvenRecord
{
    /// <summary>Its index in the tree.</summary>
    public required long Leaf { get; init; }

    public required byte[] Salt { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary><c>begun</c>, <c>attempt</c>, <c>finished</c> or <c>event</c>.</summary>
    public required string Kind { get; init; }

    public required Guid Id { get; init; }

    public required string? SessionId { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long At { get; init; }

    /// <summary>The record's JSON, as the bytes that were committed to.</summary>
    public required string Body { get; init; }

    /// <summary>Hashes from the leaf up.</summary>
    public required byte[][] Path { get; init; }

    public static ProvenRecord Of(LoggedRecord record, long leaf, byte[] salt, byte[][] path) => new()
    {
        Leaf = leaf,
        Salt = salt,
        OrganizationId = record.OrganizationId,
        Kind = RecordCommitment.Word((RecordKind)record.Kind),
        Id = record.Id,
        SessionId = record.SessionId,
        At = record.At,
        Body = Encoding.UTF8.GetString(record.Body),
        Path = path,
    };

    public bool IsIn(Checkpoint checkpoint)
    {
        var commitment = RecordCommitment.Of(Salt, OrganizationId, RecordCommitment.KindOf(Kind), Id, SessionId, At, Encoding.UTF8.GetBytes(Body));
        return MerkleProof.Includes(Leaf, checkpoint.Size, MerkleHash.Leaf(commitment), Path, checkpoint.Root);
    }
}
