using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage.Ledger;

namespace Demarc.Storage.Projections;

/// <summary>
/// Requests whose replica is gone: each is finished as <c>interrupted</c> at what was reserved for its last attempt,
/// but at no more than the replica still leases of its hard budgets,
/// once (the log takes one finish a request, so a replica that comes back late changes nothing).
/// </summary>
internal static class Orphans
{
    private const int AtOnce = 500;

    /// <param name="leases">All that replicas which are gone still lease.</param>
    public static async Task<int> SettleAsync(Store store, OpenRequests open, DeadLease[] leases)
    {
        var ids = await store.QueryAsync<byte[]>(
            $"SELECT request_id FROM open_requests WHERE {store.DeadReplicas} LIMIT {AtOnce}",
            new { self = store.Replica }).ConfigureAwait(false);
        if (ids.Length == 0)
            return 0;
        var requests = await open.FindAsync(ids.Select(id => new Guid(id, bigEndian: true))).ConfigureAwait(false);
        var left = leases.ToDictionary(l => (l.OrganizationId, l.MeterId, l.Replica), l => l.NanoUsd);
        // What may still be taken from is settled once it has ended.
        var live = leases.Where(l => l.Ended == 0).Select(l => l.Replica).ToHashSet();
        var finishes = requests.Values.Where(r => !live.Contains(r.Begun.Replica)).Select(request => FinishAsync(store, request, Cost(request, left))).ToArray();
        return (await Task.WhenAll(finishes).ConfigureAwait(false)).Count(finished => finished);
    }

    // A stream reserves slice by slice, and all that it had reserved is in the lease: its bound is far more.
    private static long Cost(OpenRequest request, Dictionary<(string, string, string), long> leases)
    {
        var last = request.Attempts[^1];
        var cost = last.ReservedNanoUsd;
        var keys = (last.Budgets ?? []).Select(meter => (request.OrganizationId, meter, request.Begun.Replica)).Where(leases.ContainsKey).ToArray();
        foreach (var key in keys)
            cost = Math.Min(cost, Math.Max(0, leases[key]));
        foreach (var key in keys)
            leases[key] -= cost;
        return cost;
    }

    private static async Task<bool> FinishAsync(Store store, OpenRequest request, long cost)
    {
        var last = request.Attempts[^1];
        var finished = new FinishedRecord
        {
            Id = request.Begun.Id,
            Result = "interrupted",
            Attempt = last.Number,
            CostNanoUsd = cost,
            Incomplete = true,
        };
        try
        {
            var record = new EvidenceRecord
            {
                OrganizationId = request.OrganizationId,
                Kind = RecordKind.Finished,
                RequestId = request.Id,
                SessionId = request.SessionId,
                At = store.Now,
                Body = JsonSerializer.SerializeToUtf8Bytes(finished, RecordJson.Default.FinishedRecord),
            };
            // By the store itself, not by way of a journal: who was first is told by the log alone.
            return await store.WriteAsync(async transaction =>
            {
                await transaction.AppendAsync(record).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
        catch (AlreadyRecordedException)
        {
            return false;
        }
    }
}
