using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage.Projections;

/// <summary>A request that has begun, as far as the log was followed.</summary>
/// <param name="Sequence">Of its begun row.</param>
/// <param name="Attempts">All of them, the first included, by number.</param>
internal sealed record OpenRequest(
    Guid Id, string OrganizationId, string? SessionId, long Sequence, BegunRecord Begun, AttemptRecord[] Attempts)
{
    /// <summary>The attempt of a number; the last one when there is none of it.</summary>
    public AttemptRecord Attempt(int number) => Array.Find(Attempts, a => a.Number == number) ?? Attempts[^1];
}

/// <summary>Open requests by id: those of this leader's time from memory, others from the log.</summary>
internal sealed class OpenRequests(Store store)
{
    /// <summary>Beyond this, requests are read back from the log when they finish.</summary>
    private const int Capacity = 20_000;

    private readonly Dictionary<Guid, OpenRequest> _requests = [];

    public void Keep(Projection projection)
    {
        foreach (var id in projection.Closed)
            _requests.Remove(id);
        foreach (var request in projection.Opened)
            if (_requests.Count < Capacity || _requests.ContainsKey(request.Id))
                _requests[request.Id] = request;
    }

    public void Clear() => _requests.Clear();

    /// <summary>The requests of these ids that have begun.</summary>
    public async Task<Dictionary<Guid, OpenRequest>> FindAsync(IEnumerable<Guid> ids)
    {
        var found = new Dictionary<Guid, OpenRequest>();
        foreach (var id in ids)
            if ((_requests.GetValueOrDefault(id) ?? await ReadAsync(id).ConfigureAwait(false)) is { } request)
                found[id] = request;
        return found;
    }

    private async Task<OpenRequest?> ReadAsync(Guid id)
    {
        var requestId = id.ToByteArray(bigEndian: true);
        // Each condition as its index has it.
        var rows = await store.QueryAsync<Row>(
            """
            SELECT sequence, kind, organization_id, session_id, body FROM records WHERE request_id = @requestId AND kind IN (1, 3) AND kind = 1
            UNION ALL
            SELECT sequence, kind, organization_id, session_id, body FROM records WHERE request_id = @requestId AND kind = 2
            ORDER BY sequence
            """,
            new { requestId }).ConfigureAwait(false);
        rows = Array.FindAll(rows, row => ErasedRecord.Commitment(row.Body) is null);
        if (rows.FirstOrDefault(row => row.Kind == (long)RecordKind.Begun) is not { } first)
            return null;
        var begun = JsonSerializer.Deserialize(first.Body, RecordJson.Default.BegunRecord)!;
        return new OpenRequest(id, first.OrganizationId, first.SessionId, first.Sequence, begun,
        [
            begun.Attempt,
            .. rows.Where(row => row.Kind == (long)RecordKind.Attempt)
                .Select(row => JsonSerializer.Deserialize(row.Body, RecordJson.Default.AttemptRecord)!),
        ]);
    }

    private sealed record Row
    {
        public required long Sequence { get; init; }

        public required long Kind { get; init; }

        public required string OrganizationId { get; init; }

        public string? SessionId { get; init; }

        public required byte[] Body { get; init; }
    }
}
