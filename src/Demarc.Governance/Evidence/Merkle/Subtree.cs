using System.Numerics;

namespace Demarc.Governance.Evidence.Merkle;

/// <summary>The leaves from <paramref name="Start"/> to before <paramref name="End"/>, as a proof names one of its hashes.</summary>
public readonly record struct Subtree(long Start, long End)
{
    public long Width => End - Start;

    /// <summary>Whose hashes prove that a leaf is in a tree of so many leaves, from the leaf up (RFC 6962, 2.1.1).</summary>
    public static IReadOnlyList<Subtree> Inclusion(long index, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var path = new List<Subtree>();
        for (var tree = new Subtree(0, size); tree.Width > 1;)
        {
            var (left, right) = tree.Halves;
            var isLeft = index < left.End;
            path.Add(isLeft ? right : left);
            tree = isLeft ? left : right;
        }
        path.Reverse();
        return path;
    }

    /// <summary>Whose hashes prove that a tree begins with an older one (RFC 6962, 2.1.2); none where there is nothing to prove.</summary>
    public static IReadOnlyList<Subtree> Consistency(long oldSize, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, size);
        if (oldSize == 0 || oldSize == size)
            return [];
        var path = new List<Subtree>();
        var tree = new Subtree(0, size);
        while (tree.End != oldSize)
        {
            var (left, right) = tree.Halves;
            var isLeft = oldSize <= left.End;
            path.Add(isLeft ? right : left);
            tree = isLeft ? left : right;
        }
        // Who asks has the old root; where that is a node of the new tree itself, it need not be told.
        if (tree.Start > 0)
            path.Add(tree);
        path.Reverse();
        return path;
    }

    /// <summary>The perfect trees it is made of, from the left, each half as wide as the one before at most.</summary>
    public IEnumerable<Subtree> Perfect()
    {
        for (var start = Start; start < End;)
        {
            var width = 1L << BitOperations.Log2((ulong)(End - start));
            yield return new Subtree(start, start + width);
            start += width;
        }
    }

    /// <summary>What the proof that some consecutive leaves are in a tree consists of: the largest subtrees beside them, from the left.</summary>
    public static IReadOnlyList<Subtree> Outside(Subtree range, long size)
    {
        var outside = new List<Subtree>();
        Add(new Subtree(0, size));
        return outside;

        void Add(Subtree tree)
        {
            if (tree.Width == 0)
                return;
            if (tree.End <= range.Start || tree.Start >= range.End)
                outside.Add(tree);
            else if (tree.Start < range.Start || tree.End > range.End)
            {
                var (left, right) = tree.Halves;
                Add(left);
                Add(right);
            }
        }
    }

    /// <summary>The root of a tree of so many leaves, of which consecutive ones are at hand and the rest as <see cref="Outside"/> names it.</summary>
    /// <param name="leaf">The hash of a leaf of the range.</param>
    /// <param name="outside">The hash of a subtree beside it.</param>
    public static byte[] Root(Subtree range, long size, Func<long, byte[]> leaf, Func<Subtree, byte[]> outside)
    {
        return size == 0 ? MerkleHash.Empty : Of(new Subtree(0, size));

        byte[] Of(Subtree tree)
        {
            if (tree.End <= range.Start || tree.Start >= range.End)
                return outside(tree);
            if (tree.Width == 1)
                return leaf(tree.Start);
            var (left, right) = tree.Halves;
            return MerkleHash.Node(Of(left), Of(right));
        }
    }

    // The left one is the widest perfect tree that is not the whole.
    private (Subtree Left, Subtree Right) Halves
    {
        get
        {
            var middle = Start + (1L << BitOperations.Log2((ulong)(Width - 1)));
            return (new Subtree(Start, middle), new Subtree(middle, End));
        }
    }
}
