using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Control.Proofs;

/// <summary>The files of an auditor's bundle: what <see cref="AuditExport"/> writes and <see cref="AuditCheck"/> reads.</summary>
internal static class AuditBundle
{
    public const string Format = "demarc-audit-1";

    public const string Manifest = "manifest.json";
    public const string Records = "records.jsonl";
    public const string Activities = "activities.csv";
    public const string Tombstones = "tombstones.json";
    public const string Proof = "proof.json";
    public const string Checkpoint = "checkpoint.txt";
    public const string Checkpoints = "checkpoints.txt";
    public const string Keys = "keys.txt";
    public const string Endorsements = "endorsements.txt";
    public const string Members = "members.csv";
    public const string Sample = "sample.json";
    public const string Statement = "statement.json";
    public const string Schema = "schema.json";

    public static readonly JsonSerializerOptions Json = new(AdminApi.AdminAnswer.Wire) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public static readonly JsonSerializerOptions Readable = new(Json) { WriteIndented = true };
}

/// <summary>What a bundle is of.</summary>
/// <param name="Files">SHA-256 of each other file, hex, by name.</param>
internal sealed record AuditManifest(string Format, string OrganizationId, string OrganizationName, string From, string To, DateTimeOffset MadeAt, Dictionary<string, string> Files);

/// <summary>A line of the records: one leaf. Salts and commitments are hex.</summary>
internal sealed record AuditLine
{
    public required long Leaf { get; init; }

    public string? Salt { get; init; }

    public string? OrganizationId { get; init; }

    public string? Kind { get; init; }

    public Guid? Id { get; init; }

    public string? SessionId { get; init; }

    public long? At { get; init; }

    public string? Body { get; init; }

    /// <summary>The commitment, where the record was erased.</summary>
    public string? Erased { get; init; }

    /// <summary>The commitment, where the record is not in the store.</summary>
    public string? Missing { get; init; }

    public static AuditLine Of(long leaf, LoggedRecord? record, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> entry) =>
        record is null ? new AuditLine { Leaf = leaf, Missing = Convert.ToHexStringLower(entry) }
        : ErasedRecord.Commitment(record.Body) is { } commitment ? new AuditLine { Leaf = leaf, Erased = Convert.ToHexStringLower(commitment) }
        : new AuditLine
        {
            Leaf = leaf,
            Salt = Convert.ToHexStringLower(salt),
            OrganizationId = record.OrganizationId,
            Kind = RecordCommitment.Word((RecordKind)record.Kind),
            Id = record.Id,
            SessionId = record.SessionId,
            At = record.At,
            Body = Encoding.UTF8.GetString(record.Body),
        };

    /// <summary>The entry of the leaf that the line gives; null for a line that says too little.</summary>
    public byte[]? Commitment()
    {
        try
        {
            if ((Erased ?? Missing) is { } kept)
                return Convert.FromHexString(kept);
            return Salt is null || OrganizationId is null || Id is null || At is null || Body is null ? null
                : RecordCommitment.Of(Convert.FromHexString(Salt), OrganizationId, RecordCommitment.KindOf(Kind), Id.Value, SessionId, At.Value, Encoding.UTF8.GetBytes(Body));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

/// <summary>What leads from the records to the checkpoint, and from older checkpoints to it.</summary>
/// <param name="First">The first leaf among the records.</param>
/// <param name="End">The leaf after the last.</param>
/// <param name="Size">Leaves of the tree of the checkpoint.</param>
/// <param name="Outside">The subtrees beside the records, from the left.</param>
/// <param name="Consistency">For each older checkpoint by its size.</param>
internal sealed record AuditProof(long First, long End, long Size, AuditHash[] Outside, AuditConsistency[] Consistency);

internal sealed record AuditHash(long Start, long End, byte[] Hash);

internal sealed record AuditConsistency(long Size, byte[][] Path);

/// <summary>Requests to look at closely, chosen so that nobody could foresee or steer it.</summary>
/// <param name="Rule">How to choose them again.</param>
internal sealed record AuditSample(string Seed, int Size, string Rule, long[] Leaves)
{
    /// <summary>The leaves of ends of requests that a seed chooses.</summary>
    public static AuditSample Of(string seed, int size, IEnumerable<long> finished) => new(
        seed, size,
        "of the leaves of kind finished, those with the least SHA-256 of the UTF-8 text SEED:LEAF, as bytes",
        [.. finished.OrderBy(leaf => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{seed}:{leaf}")))), StringComparer.Ordinal).Take(size).Order()]);
}
