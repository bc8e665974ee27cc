namespace Demarc.Governance.Evidence.Merkle;

/// <summary>Checks proofs against roots (RFC 9162, 2.1.3.2 and 2.1.4.2).</summary>
public static class MerkleProof
{
    /// <summary>Whether a leaf of that hash is at that index of the tree with that root.</summary>
    public static bool Includes(long index, long size, ReadOnlySpan<byte> leafHash, IReadOnlyList<byte[]> path, ReadOnlySpan<byte> root)
    {
        if (index < 0 || index >= size || path.Any(h => h.Length != MerkleHash.Size))
            return false;
        var (node, last) = (index, size - 1);
        var hash = leafHash.ToArray();
        foreach (var sibling in path)
        {
            if (last == 0)
                return false;
            if ((node & 1) == 1 || node == last)
            {
                hash = MerkleHash.Node(sibling, hash);
                // The right edge skips the levels at which it has no sibling.
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                hash = MerkleHash.Node(hash, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && root.SequenceEqual(hash);
    }

    /// <summary>Whether the tree with the one root begins with the tree with the older one.</summary>
    public static bool Extends(long oldSize, ReadOnlySpan<byte> oldRoot, long size, ReadOnlySpan<byte> root, IReadOnlyList<byte[]> path)
    {
        if (oldSize < 0 || oldSize > size || path.Any(h => h.Length != MerkleHash.Size))
            return false;
        if (oldSize == 0 || oldSize == size)
            return path.Count == 0 && (oldSize == 0 ? oldRoot.SequenceEqual(MerkleHash.Empty) : oldRoot.SequenceEqual(root));

        var (node, last) = (oldSize - 1, size - 1);
        while ((node & 1) == 1)
            (node, last) = (node >> 1, last >> 1);
        var rest = new Queue<byte[]>(path);
        // An old tree that is perfect is a node of the new one, and its root the first hash.
        var first = node == 0 ? oldRoot.ToArray() : rest.TryDequeue(out var told) ? told : [];
        var (before, now) = (first, first);
        while (rest.TryDequeue(out var sibling))
        {
            if (last == 0)
                return false;
            if ((node & 1) == 1 || node == last)
            {
                (before, now) = (MerkleHash.Node(sibling, before), MerkleHash.Node(sibling, now));
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                now = MerkleHash.Node(now, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && oldRoot.SequenceEqual(before) && root.SequenceEqual(now);
    }
}
