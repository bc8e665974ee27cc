using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence.Merkle;

/// <summary>A checkpoint on record.</summary>
public sealed record StoredCheckpoint
{
    public required long Size { get; init; }

    /// <summary>The signed note.</summary>
    public required string Note { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long MadeAt { get; init; }

    /// <summary>When a witness had it, Unix milliseconds; null while none has.</summary>
    public long? WitnessedAt { get; init; }
}

/// <summary>A key that has signed.</summary>
/// <param name="Generation">From 1.</param>
/// <param name="PublicKey">As <see cref="Governance.Evidence.Merkle.NoteKey"/> writes it.</param>
/// <param name="Endorsement">The note by which the key before names this one; null for the first.</param>
public sealed record StoredSigningKey(long Generation, string PublicKey, string? Endorsement);

/// <summary>Checkpoints that were given to witnesses, and the keys that signed them.</summary>
public sealed class Checkpoints
{
    private readonly Store _store;

    internal Checkpoints(Store store) => _store = store;

    /// <summary>Keeps a checkpoint before it is given away; false when another replica keeps one of that size already.</summary>
    public Task<bool> KeepAsync(string organizationId, long size, string note) => _store.WriteAsync(async transaction =>
        await transaction.ExecuteAsync(
            "INSERT INTO checkpoints (organization_id, size, note, made_at) VALUES (@organizationId, @size, @note, @Now) ON CONFLICT DO NOTHING",
            new { organizationId, size, note, _store.Now }).ConfigureAwait(false) > 0);

    /// <summary>A witness has it.</summary>
    public Task WitnessedAsync(string organizationId, long size) => _store.WriteAsync(transaction => transaction.ExecuteAsync(
        "UPDATE checkpoints SET witnessed_at = @Now WHERE organization_id = @organizationId AND size = @size", new { organizationId, size, _store.Now }));

    /// <summary>All of them, oldest first.</summary>
    public Task<StoredCheckpoint[]> ListAsync(string organizationId) =>
        _store.QueryAsync<StoredCheckpoint>($"{Select} ORDER BY size", new { organizationId });

    /// <summary>The last one; null when there is none yet.</summary>
    public Task<StoredCheckpoint?> LastAsync(string organizationId) =>
        _store.FindAsync<StoredCheckpoint>($"{Select} ORDER BY size DESC LIMIT 1", new { organizationId });

    /// <summary>Those that no witness has yet, oldest first.</summary>
    public Task<StoredCheckpoint[]> UnwitnessedAsync(string organizationId) =>
        _store.QueryAsync<StoredCheckpoint>($"{Select} AND witnessed_at IS NULL ORDER BY size", new { organizationId });

    /// <summary>The keys, oldest first.</summary>
    public async Task<StoredSigningKey[]> KeysAsync(string organizationId)
    {
        var rows = await _store.QueryAsync<KeyRow>(
            "SELECT generation, public_key, endorsement FROM signing_keys WHERE organization_id = @organizationId ORDER BY generation", new { organizationId }).ConfigureAwait(false);
        return [.. rows.Select(r => new StoredSigningKey(r.Generation, r.PublicKey, r.Endorsement))];
    }

    /// <summary>Puts a key on record, with an event of its own; one that is there already stays. False when it was.</summary>
    public Task<bool> AddKeyAsync(string organizationId, StoredSigningKey key, ActorRecord actor) => _store.WriteAsync(async transaction =>
    {
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO signing_keys (organization_id, generation, public_key, endorsement, made_at)
            VALUES (@organizationId, @Generation, @PublicKey, @Endorsement, @Now) ON CONFLICT DO NOTHING
            """,
            new { organizationId, key.Generation, key.PublicKey, key.Endorsement, _store.Now }).ConfigureAwait(false);
        if (made > 0)
            await transaction.RecordAsync(organizationId, actor, key.Endorsement is null ? "demarc_signing_key_created" : "demarc_signing_key_rotated", new()
            {
                ["public_key"] = key.PublicKey,
                ["endorsement"] = key.Endorsement,
            }).ConfigureAwait(false);
        return made > 0;
    });

    private const string Select = "SELECT size, note, made_at, witnessed_at FROM checkpoints WHERE organization_id = @organizationId";

    private sealed record KeyRow
    {
        public required long Generation { get; init; }

        public required string PublicKey { get; init; }

        public string? Endorsement { get; init; }
    }
}
