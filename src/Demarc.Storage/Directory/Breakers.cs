namespace Demarc.Storage.Directory;

/// <summary>What the last replica to say so found of a deployment.</summary>
public sealed record StoredBreaker
{
    /// <summary><c>resource/deployment</c>.</summary>
    public required string Deployment { get; init; }

    /// <summary>Unix milliseconds until when it is not asked before others; 0 for one that serves again.</summary>
    public required long OpenUntil { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long ChangedAt { get; init; }
}

/// <summary>Which deployments fail, from replica to replica. Nothing of it is on record: it is what holds at the moment.</summary>
public sealed class Breakers
{
    private readonly Store _store;

    internal Breakers(Store store) => _store = store;

    /// <summary>Keeps this replica's word on deployments in place of whatever was said before.</summary>
    /// <param name="states">By deployment: until when it is not asked before others; null for one that serves again.</param>
    public Task KeepAsync(string organizationId, IReadOnlyCollection<(string Deployment, DateTimeOffset? OpenUntil)> states) =>
        _store.WriteAsync(transaction => transaction.ExecuteAsync(
            """
            INSERT INTO breakers (organization_id, deployment, replica, open_until, changed_at)
            VALUES (@organizationId, @Deployment, @Replica, @until, @Now)
            ON CONFLICT (organization_id, deployment) DO UPDATE SET
              replica = excluded.replica, open_until = excluded.open_until, changed_at = excluded.changed_at
            """,
            states.Select(s => new { organizationId, s.Deployment, _store.Replica, until = s.OpenUntil?.ToUnixTimeMilliseconds() ?? 0, _store.Now }).ToArray()));

    /// <summary>The word of other replicas, where theirs is the last.</summary>
    public Task<StoredBreaker[]> OfOthersAsync(string organizationId) =>
        _store.QueryAsync<StoredBreaker>(
            "SELECT deployment, open_until, changed_at FROM breakers WHERE organization_id = @organizationId AND replica <> @Replica",
            new { organizationId, _store.Replica });
}
