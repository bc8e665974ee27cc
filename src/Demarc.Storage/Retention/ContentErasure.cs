using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage.Retention;

/// <summary>
/// Destroys captured content: first the keys, after which nothing opens it, then the sealed bytes, with a tombstone that names
/// their leaves, then the sessions of which nothing is left.
/// </summary>
internal sealed class ContentErasure(Store store)
{
    public async Task<Erased> RunAsync(ErasureEntry entry, ActorRecord actor)
    {
        if (entry.Sessions.Length == 0)
            return new Erased();
        // 1 keys
        var keys = 0L;
        foreach (var day in entry.Sessions.GroupBy(cut => cut.Before))
            keys += await DestroyKeysAsync(entry.OrganizationId, [.. day.Select(cut => cut.SessionId)], day.Key).ConfigureAwait(false);

        // 2 what they sealed
        var cuts = entry.Sessions.ToDictionary(cut => cut.SessionId, cut => Start(cut.Before));
        var requests = await RequestsAsync(entry.OrganizationId, cuts.Keys).ConfigureAwait(false);
        var due = Array.FindAll(requests, r => r.At < cuts[r.SessionId]);
        var contents = await EraseContentsAsync(entry, [.. due.Where(r => r is { Captured: not 0, Finished: not null }).Select(r => r.Finished!.Value)], actor).ConfigureAwait(false);

        // 3 sessions
        var rest = requests.Except(due).GroupBy(r => r.SessionId).ToDictionary(g => g.Key, g => g.Min(r => r.At));
        var sessions = 0L;
        await store.WriteDerivedAsync(async transaction =>
        {
            foreach (var day in entry.Sessions.Where(cut => !rest.ContainsKey(cut.SessionId)).GroupBy(cut => cut.Before))
                sessions += await RemoveAsync(transaction, entry.OrganizationId, [.. day.Select(cut => cut.SessionId)], Start(day.Key)).ConfigureAwait(false);
            foreach (var (id, first) in rest)
                await transaction.ExecuteAsync(
                    "UPDATE sessions SET created_at = @first WHERE organization_id = @OrganizationId AND id = @id", new { entry.OrganizationId, id, first }).ConfigureAwait(false);
            return 0;
        }).ConfigureAwait(false);
        return new Erased(sessions, contents, keys);
    }

    private async Task<int> DestroyKeysAsync(string organizationId, string[] sessions, DateOnly before)
    {
        store.ForgetContentKeys(sessions);
        var parameters = new { organizationId, sessions = JsonSerializer.Serialize(sessions), day = before.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) };
        var due = $"{store.KeyTable("content_keys")} WHERE organization_id = @organizationId AND session_id IN {store.TextsOfJson("sessions")} AND day < @day";
        return await store.WriteKeysAsync(async transaction =>
        {
            // A client that sends the session's history again has it captured no second time, however much of the session is left.
            await transaction.ExecuteAsync(
                $"INSERT INTO {store.KeyTable("content_cuts")} (organization_id, session_id) SELECT DISTINCT organization_id, session_id FROM {due} ON CONFLICT DO NOTHING", parameters).ConfigureAwait(false);
            return await transaction.ExecuteAsync($"DELETE FROM {due}", parameters).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    private Task<Request[]> RequestsAsync(string organizationId, IEnumerable<string> sessions) =>
        store.QueryAsync<Request>(
            $"""
            SELECT q.session_id, q.finished, q.captured, b.at FROM session_requests q JOIN records b ON b.sequence = q.begun
            WHERE q.organization_id = @organizationId AND q.session_id IN {store.TextsOfJson("sessions")}
            """,
            new { organizationId, sessions = JsonSerializer.Serialize(sessions) });

    // Only what is a leaf already: a tombstone names it, and what none names was removed by nobody knows whom.
    private async Task<long> EraseContentsAsync(ErasureEntry entry, long[] sequences, ActorRecord actor)
    {
        var leaves = await store.Tree.IndicesOfAsync(entry.OrganizationId, sequences).ConfigureAwait(false);
        if (leaves.Count == 0)
            return 0;
        return await store.WriteAsync(async transaction =>
        {
            var erased = await transaction.QueryAsync<long>(
                $"UPDATE records SET content = NULL WHERE organization_id = @OrganizationId AND sequence IN {store.NumbersOfJson("found")} AND content IS NOT NULL RETURNING sequence",
                new { entry.OrganizationId, found = JsonSerializer.Serialize(leaves.Keys) }).ConfigureAwait(false);
            if (erased.Length > 0)
                await transaction.RecordAsync(entry.OrganizationId, actor, ErasedRecord.ContentTombstone, new()
                {
                    ["leaves"] = ErasedRecord.Ranges(erased.Select(sequence => leaves[sequence])),
                    ["count"] = erased.Length.ToString(CultureInfo.InvariantCulture),
                    ["erasure_id"] = entry.Id,
                    ["reason"] = entry.Reason,
                }).ConfigureAwait(false);
            return erased.LongLength;
        }).ConfigureAwait(false);
    }

    // Not one that goes on again meanwhile.
    private async Task<long> RemoveAsync(StoreTransaction transaction, string organizationId, string[] sessions, long before)
    {
        var removed = await transaction.QueryAsync<string>(
            $"DELETE FROM sessions WHERE organization_id = @organizationId AND id IN {store.TextsOfJson("ids")} AND last_at < @before RETURNING id",
            new { organizationId, ids = JsonSerializer.Serialize(sessions), before }).ConfigureAwait(false);
        await transaction.ExecuteAsync(
            $"DELETE FROM session_requests WHERE organization_id = @organizationId AND session_id IN {store.TextsOfJson("ids")}",
            new { organizationId, ids = JsonSerializer.Serialize(removed) }).ConfigureAwait(false);
        return removed.LongLength;
    }

    private static long Start(DateOnly day) => new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private sealed record Request
    {
        public required string SessionId { get; init; }

        public long? Finished { get; init; }

        public required long Captured { get; init; }

        public required long At { get; init; }
    }
}
