namespace Demarc.Storage.Ledger;

/// <summary>A replica's lease of a budget as it was read; whatever is done to it holds only as long as its amount is the same.</summary>
internal sealed record DeadLease
{
    public required string OrganizationId { get; init; }

    public required string MeterId { get; init; }

    public required string Replica { get; init; }

    public required long NanoUsd { get; init; }

    /// <summary>0, or where the log ended when the lease did.</summary>
    public required long Ended { get; init; }
}

/// <summary>
/// What happens to the leases of replicas that are gone. First they end: should such a replica wake up, it takes nothing from
/// them any more, and gets none anew. Then what it had begun is settled, at its cost or at its bound, or by itself if it woke up. What is
/// left is free after that.
/// </summary>
internal sealed class DeadLeases(Store store)
{
    private const string Same = "organization_id = @OrganizationId AND meter_id = @MeterId AND replica = @Replica AND nano_usd = @NanoUsd";

    // As a version before this one marks them, which may lead beside it.
    private const long Marked = 1;

    /// <summary>Ends them; all of them, as they are after that.</summary>
    public async Task<DeadLease[]> EndAsync()
    {
        var leases = await ReadAsync().ConfigureAwait(false);
        if (Array.TrueForAll(leases, l => l.Ended > Marked))
            return leases;
        var end = Math.Max(Marked + 1, await store.FindAsync<long?>("SELECT max(sequence) FROM records").ConfigureAwait(false) ?? 0);
        await EachAsync($"UPDATE budget_leases SET ended = @Ended WHERE {Same} AND ended <= {Marked}", leases.Where(l => l.Ended <= Marked).Select(l => l with { Ended = end })).ConfigureAwait(false);
        // One of a replica that woke up meanwhile was added to, or the log was followed further: it is for the next round.
        return await ReadAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Frees the ended ones of replicas of which nothing is open that was begun before, and nothing in the log from before is still to be
    /// followed. A replica that woke up begins more all the time, but not at their expense.
    /// </summary>
    public async Task FreeAsync(DeadLease[] leases)
    {
        if (leases.Length == 0)
            return;
        var open = (await store.QueryAsync<(string Replica, long Begun)>("SELECT replica, min(begun) FROM open_requests GROUP BY replica").ConfigureAwait(false))
            .ToDictionary(r => r.Replica, r => r.Begun);
        var unfollowed = await store.FindAsync<long?>($"SELECT min(r.sequence) FROM {store.Unfollowed}").ConfigureAwait(false) ?? long.MaxValue;
        await EachAsync(
            $"DELETE FROM budget_leases WHERE {Same} AND ended = @Ended",
            leases.Where(l => l.Ended > Marked && l.Ended < unfollowed && l.Ended < open.GetValueOrDefault(l.Replica, long.MaxValue))).ConfigureAwait(false);
    }

    private Task<DeadLease[]> ReadAsync() =>
        store.QueryAsync<DeadLease>(
            $"SELECT organization_id, meter_id, replica, nano_usd, ended FROM budget_leases WHERE ({store.DeadReplicas}) OR ended <> 0", new { self = store.Replica });

    private Task<int> EachAsync(string sql, IEnumerable<DeadLease> leases) =>
        store.WriteDerivedAsync(async transaction =>
        {
            foreach (var lease in leases)
                await transaction.ExecuteAsync(sql, lease).ConfigureAwait(false);
            return 0;
        });
}
