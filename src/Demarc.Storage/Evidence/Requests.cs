using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage.Evidence;

/// <summary>What is on record of one request, read whole.</summary>
/// <param name="Begun">Null for a request that was refused before anything was sent.</param>
/// <param name="Attempts">In order; the first is that of <paramref name="Begun"/>.</param>
/// <param name="Finished">Null while it runs, and for a refused one.</param>
/// <param name="Refused">The event of its refusal; null for an admitted one.</param>
/// <param name="BegunAt">Unix milliseconds, of <paramref name="Begun"/> or <paramref name="Refused"/>.</param>
/// <param name="FinishedAt">Unix milliseconds.</param>
public sealed record RequestOnRecord(
    BegunRecord? Begun, AttemptRecord[] Attempts, FinishedRecord? Finished, EventRecord? Refused, string? SessionId, long BegunAt, long? FinishedAt);

/// <summary>Requests by id.</summary>
public sealed class Requests
{
    private readonly Store _store;

    internal Requests(Store store) => _store = store;

    /// <summary>Null when nothing is on record; a refusal is found a second after it, once it is projected.</summary>
    public async Task<RequestOnRecord?> FindAsync(string organizationId, Guid id)
    {
        var parameters = new { organizationId, id = id.ToByteArray(bigEndian: true) };
        var rows = await _store.QueryAsync<Row>(
            """
            SELECT kind, session_id, at, body FROM records WHERE request_id = @id AND kind IN (1, 3) AND organization_id = @organizationId
            UNION ALL SELECT kind, session_id, at, body FROM records WHERE request_id = @id AND kind = 2 AND organization_id = @organizationId
            UNION ALL SELECT r.kind, r.session_id, r.at, r.body FROM activities a JOIN records r ON r.sequence = a.finished
              WHERE a.request_id = @id AND a.organization_id = @organizationId AND a.type = 'demarc_inference_refused' AND r.kind = 4
            """,
            parameters).ConfigureAwait(false);
        rows = Array.FindAll(rows, row => ErasedRecord.Commitment(row.Body) is null);
        if (rows.Length == 0)
            return null;

        var (begun, finished, refused) = (Of(RecordKind.Begun), Of(RecordKind.Finished), Of(RecordKind.Event));
        var start = begun is null ? null : JsonSerializer.Deserialize(begun.Body, RecordJson.Default.BegunRecord);
        var later = rows.Where(r => r.Kind == (long)RecordKind.Attempt).Select(r => JsonSerializer.Deserialize(r.Body, RecordJson.Default.AttemptRecord)!);
        return new RequestOnRecord(
            start,
            start is null ? [] : [start.Attempt, .. later.OrderBy(a => a.Number)],
            finished is null ? null : JsonSerializer.Deserialize(finished.Body, RecordJson.Default.FinishedRecord),
            refused is null ? null : JsonSerializer.Deserialize(refused.Body, RecordJson.Default.EventRecord),
            begun?.SessionId,
            (begun ?? refused ?? finished)!.At,
            finished?.At);

        Row? Of(RecordKind kind) => Array.Find(rows, r => r.Kind == (long)kind);
    }

    private sealed record Row
    {
        public required long Kind { get; init; }

        public string? SessionId { get; init; }

        public required long At { get; init; }

        public required byte[] Body { get; init; }
    }
}
