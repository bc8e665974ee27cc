using System.Security.Cryptography;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;

namespace Demarc.Storage.Content;

/// <summary>Reads what was captured of a session for a process that captures more of it.</summary>
internal sealed class CaptureHistory(Store store)
{
    private const int Batch = 50;

    public async Task<CapturedHistory> ReadAsync(string organizationId, string sessionId, long? after)
    {
        // The key store alone is asked for what is new: it takes no part in what the log is busy with.
        var kept = (await store.QueryKeysAsync<Kept>(
            $"""
            SELECT (SELECT count(*) FROM {store.KeyTable("content_keys")} WHERE organization_id = @organizationId AND session_id = @sessionId) AS days,
              (SELECT count(*) FROM {store.KeyTable("content_cuts")} WHERE organization_id = @organizationId AND session_id = @sessionId) AS cuts
            """,
            new { organizationId, sessionId }).ConfigureAwait(false))[0];
        var isNew = kept.Days > 0 && (after is null || await HasOthersAsync(organizationId, sessionId, after.Value).ConfigureAwait(false));
        return new CapturedHistory(kept.Cuts > 0, isNew ? RequestsAsync(organizationId, sessionId) : AsyncEnumerable.Empty<CapturedRequest>());
    }

    // What this process captured it knows, or has let go of.
    private async Task<bool> HasOthersAsync(string organizationId, string sessionId, long after) =>
        store.HasReplicas && await store.FindAsync<long?>(
            """
            SELECT q.begun FROM session_requests q JOIN records b ON b.sequence = q.begun
            WHERE q.session_id = @sessionId AND q.organization_id = @organizationId AND q.begun > @after AND b.replica <> @Replica LIMIT 1
            """,
            new { organizationId, sessionId, after, store.Replica }).ConfigureAwait(false) is not null;

    private async IAsyncEnumerable<CapturedRequest> RequestsAsync(string organizationId, string sessionId)
    {
        var contents = new SessionContents(store, organizationId, sessionId);
        SessionRequest[] requests;
        for (var after = 0L; (requests = await store.Sessions.RequestsAsync(organizationId, sessionId, after, Batch).ConfigureAwait(false)).Length > 0; after = requests[^1].Begun)
        {
            foreach (var request in requests)
                yield return new CapturedRequest(request.Begun, new Guid(request.RequestId, bigEndian: true), await OpenAsync(contents, request).ConfigureAwait(false));
        }
    }

    private static async Task<byte[]?> OpenAsync(SessionContents contents, SessionRequest request)
    {
        try
        {
            return await contents.OpenAsync(request).ConfigureAwait(false);
        }
        catch (CryptographicException)
        {
            // Nothing can build on what does not open; whoever reads the session is told of it.
            return null;
        }
    }

    private sealed record Kept(long Days, long Cuts);
}
