using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;

namespace Demarc.Control.Proofs;

/// <summary>Proves that records are in the log.</summary>
public sealed class Prover(Store store)
{
    /// <summary>All records of a request or event, each with its path to a root; those that the tree did not have yet are left out.</summary>
    /// <param name="size">Of the tree when that root was signed.</param>
    public async Task<ProvenRecord[]> ProveAsync(string organizationId, Guid id, long size)
    {
        var proven = new List<ProvenRecord>();
        foreach (var record in await store.Tree.RecordsOfAsync(organizationId, id))
        {
            if (await store.Tree.IndexOfAsync(organizationId, record.Sequence) is not { } leaf || leaf >= size)
                continue;
            var salts = await store.Tree.SaltsAsync(organizationId, leaf / Tile.Width) ?? [];
            var at = (int)(leaf % Tile.Width) * RecordCommitment.SaltSize;
            var path = await store.Tree.HashesAsync(organizationId, Subtree.Inclusion(leaf, size));
            proven.Add(ProvenRecord.Of(record, leaf, salts.Length < at + RecordCommitment.SaltSize ? [] : salts[at..(at + RecordCommitment.SaltSize)], path));
        }
        return [.. proven];
    }
}
