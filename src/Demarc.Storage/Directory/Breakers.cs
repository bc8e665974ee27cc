namespace Demarc.Storage.Directory;

/// <summary>What the last replica to say so found of a deployment.</summary>
public sealed record StoredBreaker
{
    /// <summary><c>resource/deployment</c>.</summary>
    public required string Deployment { get; init; }

    /// <summary>Unix milliseconds until when it is not asked before others, as it fails; 0 for one that does not.</summary>
    public required long OpenUntil { get; init; }

    /// <summary>Unix milliseconds until when it asked for patience; 0 for one that did not. With both 0 it serves again.</summary>
    public required long BusyUntil { get; init; }
}

/// <summary>Which deployments fail or are busy, from replica to replica. Nothing of it is on record: it is what holds at the moment.</summary>
public sealed class Breakers
{
    private readonly Store _store;

    internal Breakers(Store store) => _store = store;

    /// <summary>Keeps this replica's word on deployments in place of whatever was said before.</summary>
    public Task KeepAsync(string organizationId, IReadOnlyCollection<StoredBreaker> states) =>
        _store.WriteAsync(transaction => transaction.ExecuteAsync(
            """
            INSERT INTO breakers (organization_id, deployment, replica, open_until, busy_until, changed_at)
            VALUES (@organizationId, @Deployment, @Replica, @OpenUntil, @BusyUntil, @Now)
            ON CONFLICT (organization_id, deployment) DO UPDATE SET
              replica = excluded.replica, open_until = excluded.open_until, busy_until = excluded.busy_until, changed_at = excluded.changed_at
            """,
            states.Select(s => new { organizationId, s.Deployment, _store.Replica, s.OpenUntil, s.BusyUntil, _store.Now }).ToArray()));

    /// <summary>The word of other replicas, where theirs is the last.</summary>
    public Task<StoredBreaker[]> OfOthersAsync(string organizationId) =>
        _store.QueryAsync<StoredBreaker>(
            "SELECT deployment, open_until, busy_until FROM breakers WHERE organization_id = @organizationId AND replica <> @Replica",
            new { organizationId, _store.Replica }, within: Store.Soon);
}
