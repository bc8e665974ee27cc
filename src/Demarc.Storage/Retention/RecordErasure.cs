using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Storage.Retention;

/// <summary>Records of the log that are to be erased, and how far that has come.</summary>
public sealed class RecordErasure
{
    private readonly Store _store;

    internal RecordErasure(Store store) => _store = store;

    /// <summary>The next records of the log after a sequence, by sequence, those that are erased among them.</summary>
    public Task<LoggedRecord[]> NextAsync(string organizationId, long after, int limit) =>
        _store.QueryAsync<LoggedRecord>(
            $"""
            SELECT sequence, organization_id, kind, request_id, session_id, at, {_store.AsBytes("body")} AS body FROM records
            WHERE organization_id = @organizationId AND sequence > @after ORDER BY sequence LIMIT @limit
            """,
            new { organizationId, after, limit });

    /// <summary>Up to which sequence all that was due is erased.</summary>
    public async Task<long> MarkAsync(string organizationId) =>
        await _store.FindAsync<long?>("SELECT sequence FROM retention_marks WHERE organization_id = @organizationId", new { organizationId }).ConfigureAwait(false) ?? 0;

    public Task MarkAsync(string organizationId, long sequence) => _store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(
        """
        INSERT INTO retention_marks (organization_id, sequence) VALUES (@organizationId, @sequence)
        ON CONFLICT (organization_id) DO UPDATE SET sequence = excluded.sequence
        """,
        new { organizationId, sequence }));

    /// <summary>Erases what an entry of the journal names, as far as it is there.</summary>
    internal async Task<Erased> RunAsync(ErasureEntry entry, ActorRecord actor)
    {
        var erased = 0L;
        foreach (var ids in entry.Records.Chunk(500))
        {
            var records = new List<LoggedRecord>();
            foreach (var id in ids)
                records.AddRange((await _store.Tree.RecordsOfAsync(entry.OrganizationId, id).ConfigureAwait(false)).Where(IsErasable));
            erased += await EraseAsync(entry.OrganizationId, records.Select(r => r.Sequence), actor, entry.Reason).ConfigureAwait(false);
        }
        return new Erased(Records: erased);
    }

    /// <summary>Erases records; how many. What is no leaf yet stays.</summary>
    public async Task<long> EraseAsync(string organizationId, IEnumerable<long> sequences, ActorRecord actor, string reason)
    {
        var leaves = await _store.Tree.IndicesOfAsync(organizationId, [.. sequences]).ConfigureAwait(false);
        await _store.Erasure.RunAsync(organizationId, [.. leaves.Values], actor, reason).ConfigureAwait(false);
        return leaves.Count;
    }

    /// <summary>Whether a record is there to be erased: what says that others were erased stays as long as the log.</summary>
    public static bool IsErasable(LoggedRecord record) =>
        ErasedRecord.Commitment(record.Body) is null && (record.Kind != (long)RecordKind.Event || !IsTombstone(record.Body));

    private static bool IsTombstone(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, RecordJson.Default.EventRecord)?.Type
                is ErasedRecord.Tombstone or ErasedRecord.ContentTombstone or "demarc_retention_swept" or "demarc_person_erased";
        }
        catch (JsonException)
        {
            // What cannot be read says of nothing that it was erased.
            return false;
        }
    }
}
