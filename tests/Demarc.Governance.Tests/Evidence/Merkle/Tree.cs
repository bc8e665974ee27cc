using System.Buffers.Binary;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Governance.Tests.Evidence.Merkle;

/// <summary>A whole tree, kept as its tiles.</summary>
internal sealed class Tree
{
    private readonly Dictionary<Tile, byte[]> _tiles = [];

    public long Size { get; private set; }

    public static byte[] Leaf(long n)
    {
        Span<byte> entry = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(entry, n);
        return MerkleHash.Leaf(entry);
    }

    /// <summary>A tree that grew in steps, as batches make it, and was opened again after each.</summary>
    public static Tree Over(IReadOnlyList<byte[]> leaves, int step = 1000)
    {
        var tree = new Tree();
        for (var from = 0; from < leaves.Count; from += step)
        {
            var edge = new TreeEdge(tree.Size, tile => tree._tiles[tile]);
            for (var i = from; i < Math.Min(leaves.Count, from + step); i++)
                edge.Append(leaves[i]);
            foreach (var (tile, hashes) in edge.TakeChanged())
                tree._tiles[tile] = hashes;
            tree.Size = edge.Size;
        }
        return tree;
    }

    /// <summary>The hash of a subtree, from the tiles that it says it needs.</summary>
    public byte[] Hash(Subtree subtree)
    {
        var needed = Tile.Of(subtree).ToHashSet();
        return Tile.Hash(subtree, tile => needed.Contains(tile) ? _tiles[tile] : throw new InvalidOperationException($"{tile} was not asked for."));
    }

    /// <summary>Tiles that are not as wide as the size says.</summary>
    public IEnumerable<Tile> Misfits() => _tiles.Where(t => t.Value.Length != t.Key.WidthIn(Size) * MerkleHash.Size).Select(t => t.Key);
}
