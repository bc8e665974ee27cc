namespace Demarc.Storage.Ledger;

/// <summary>A replica's lease of a budget as it was read; whatever is done to it holds only as long as its amount is the same.</summary>
internal sealed record DeadLease
{
    public required string OrganizationId { get; init; }

    public required string MeterId { get; init; }

    public required string Replica { get; init; }

    public required long NanoUsd { get; init; }

    public required long Ended { get; init; }
}

/// <summary>
/// What happens to the leases of replicas that are gone. First they end: should such a replica wake up, it takes nothing from
/// them any more. Then what it had begun is settled, at its cost or at its bound. What is left is free after that.
/// </summary>
internal sealed class DeadLeases(Store store)
{
    private const string Same = "organization_id = @OrganizationId AND meter_id = @MeterId AND replica = @Replica AND nano_usd = @NanoUsd";

    /// <summary>Ends them; all of them, as they are after that.</summary>
    public async Task<DeadLease[]> EndAsync()
    {
        var leases = await ReadAsync().ConfigureAwait(false);
        if (Array.TrueForAll(leases, l => l.Ended != 0))
            return leases;
        await EachAsync($"UPDATE budget_leases SET ended = 1 WHERE {Same}", leases.Where(l => l.Ended == 0)).ConfigureAwait(false);
        // One of a replica that woke up meanwhile was added to, or the log was followed further: it is for the next round.
        return await ReadAsync().ConfigureAwait(false);
    }

    /// <summary>Frees the ended ones of replicas of which nothing is open, and nothing in the log is still to be followed.</summary>
    public async Task FreeAsync(DeadLease[] leases)
    {
        if (leases.Length == 0)
            return;
        var busy = await store.QueryAsync<string>($"SELECT replica FROM open_requests UNION SELECT r.replica FROM {store.Unfollowed}").ConfigureAwait(false);
        await EachAsync($"DELETE FROM budget_leases WHERE {Same} AND ended = 1", leases.Where(l => l.Ended != 0 && !busy.Contains(l.Replica))).ConfigureAwait(false);
    }

    private Task<DeadLease[]> ReadAsync() =>
        store.QueryAsync<DeadLease>(
            $"SELECT organization_id, meter_id, replica, nano_usd, ended FROM budget_leases WHERE {store.DeadReplicas}", new { self = store.Replica });

    private Task<int> EachAsync(string sql, IEnumerable<DeadLease> leases) =>
        store.WriteDerivedAsync(async transaction =>
        {
            foreach (var lease in leases)
                await transaction.ExecuteAsync(sql, lease).ConfigureAwait(false);
            return 0;
        });
}
