using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage.Evidence.Merkle;

/// <summary>Takes records out of the log for good. Their commitments stay, and a tombstone says which they are.</summary>
public sealed class Erasure
{
    private readonly Store _store;

    internal Erasure(Store store) => _store = store;

    /// <summary>
    /// Erases the records of these leaves with what was derived of them, and their salts. What was interrupted is
    /// asked for again: a record that is erased already stays so.
    /// </summary>
    /// <param name="reason">For the tombstone.</param>
    public async Task RunAsync(string organizationId, IReadOnlyCollection<long> leaves, ActorRecord actor, string reason)
    {
        if (leaves.Count == 0)
            return;
        var erased = new List<(long Sequence, byte[] Entry)>();
        foreach (var bundle in leaves.GroupBy(leaf => leaf / Tile.Width))
        {
            var found = await _store.Tree.BundleAsync(organizationId, bundle.Key).ConfigureAwait(false)
                ?? throw new StoreException($"The evidence tree has no leaves from {bundle.Key * Tile.Width} on.");
            erased.AddRange(bundle.Select(leaf => (int)(leaf % Tile.Width)).Select(place => (found.Sequence(place), found.Entry(place).ToArray())));
        }

        // What refers to them goes first, so that nobody reads of a record that says nothing.
        var sequences = System.Text.Json.JsonSerializer.Serialize(erased.Select(e => e.Sequence));
        await _store.WriteDerivedAsync(async transaction =>
        {
            var ours = $"organization_id = @organizationId AND (finished IN {_store.NumbersOfJson("sequences")} OR begun IN {_store.NumbersOfJson("sequences")})";
            await transaction.ExecuteAsync($"DELETE FROM activities WHERE {ours}", new { organizationId, sequences }).ConfigureAwait(false);
            return await transaction.ExecuteAsync($"DELETE FROM session_requests WHERE {ours}", new { organizationId, sequences }).ConfigureAwait(false);
        }).ConfigureAwait(false);
        await _store.WriteAsync(async transaction =>
        {
            foreach (var (sequence, entry) in erased)
                await transaction.ExecuteAsync(
                    "UPDATE records SET body = @body, session_id = NULL, content = NULL WHERE sequence = @sequence AND organization_id = @organizationId",
                    new { organizationId, sequence, body = ErasedRecord.Body(entry) }).ConfigureAwait(false);
            await transaction.RecordAsync(organizationId, actor, ErasedRecord.Tombstone, new()
            {
                ["leaves"] = ErasedRecord.Ranges(leaves),
                ["count"] = leaves.Count.ToString(CultureInfo.InvariantCulture),
                ["reason"] = reason,
            }).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        foreach (var bundle in leaves.GroupBy(leaf => leaf / Tile.Width))
            await _store.ClearLeafSaltsAsync(organizationId, bundle.Key, bundle.Select(leaf => (int)(leaf % Tile.Width))).ConfigureAwait(false);
    }
}
