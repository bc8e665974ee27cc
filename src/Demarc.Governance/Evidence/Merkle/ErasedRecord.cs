using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Demarc.Governance.Evidence.Merkle;

/// <summary>
/// What stands in a record's place once it was erased: <c>{"erased":"…"}</c> with the commitment (hex), so that the tree
/// can still be grown from the log. An event of type <see cref="Tombstone"/> names the leaves.
/// </summary>
public static class ErasedRecord
{
    /// <summary>The event that names erased leaves in its field <c>leaves</c>.</summary>
    public const string Tombstone = "demarc_records_erased";

    /// <summary>The event that names leaves whose captured content was erased, while their records stay; in its field <c>leaves</c> too.</summary>
    public const string ContentTombstone = "demarc_content_erased";

    private static readonly byte[] Prefix = "{\"erased\":\""u8.ToArray();

    public static byte[] Body(ReadOnlySpan<byte> commitment) =>
        [.. Prefix, .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(commitment)), .. "\"}"u8];

    /// <summary>The commitment; null for the body of a record that is there.</summary>
    public static byte[]? Commitment(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith(Prefix) || body.Length != Prefix.Length + (2 * RecordCommitment.Size) + 2)
            return null;
        var commitment = new byte[RecordCommitment.Size];
        return Convert.FromHexString(Encoding.ASCII.GetString(body[Prefix.Length..^2]), commitment, out _, out _) == System.Buffers.OperationStatus.Done ? commitment : null;
    }

    /// <summary>Indices as a tombstone names them: <c>0-255,300</c>.</summary>
    public static string Ranges(IEnumerable<long> indices)
    {
        var ranges = new List<(long First, long Last)>();
        foreach (var index in indices.Order().Distinct())
        {
            if (ranges.Count > 0 && ranges[^1].Last == index - 1)
                ranges[^1] = (ranges[^1].First, index);
            else
                ranges.Add((index, index));
        }
        return string.Join(',', ranges.Select(r => r.First == r.Last ? Text(r.First) : $"{Text(r.First)}-{Text(r.Last)}"));
        static string Text(long index) => index.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The ranges that the body of a tombstone names; none for another record.</summary>
    /// <param name="type">Which of both kinds of tombstones.</param>
    public static IReadOnlyList<(long First, long Last)> Ranges(ReadOnlySpan<byte> body, string type = Tombstone)
    {
        var ranges = new List<(long, long)>();
        if (body.IndexOf(type == Tombstone ? "demarc_records_erased"u8 : "demarc_content_erased"u8) < 0)
            return ranges;
        try
        {
            var e = JsonSerializer.Deserialize(body, RecordJson.Default.EventRecord);
            if (e?.Type != type || !e.Fields.TryGetValue("leaves", out var leaves) || leaves is null)
                return ranges;
            foreach (var part in leaves.Split(','))
            {
                var ends = part.Split('-');
                if (long.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                    && long.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last))
                    ranges.Add((first, last));
            }
        }
        catch (JsonException)
        {
            // Not a record that Demarc wrote: it names nothing.
        }
        return ranges;
    }
}
