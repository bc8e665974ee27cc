namespace Demarc.Governance.Evidence.Merkle;

/// <summary>The right edge of a tree: all that it takes to add leaves and to tell the root. For one writer.</summary>
public sealed class TreeEdge
{
    private const int TileBytes = Tile.Width * MerkleHash.Size;

    private readonly List<byte[]> _tiles = [];
    private readonly HashSet<Tile> _touched = [];
    private readonly Dictionary<Tile, byte[]> _full = [];

    /// <summary>A tree without leaves.</summary>
    public TreeEdge()
    {
    }

    /// <summary>A tree of so many leaves, its partial tiles asked for.</summary>
    public TreeEdge(long size, Func<Tile, ReadOnlyMemory<byte>> tile)
    {
        Size = size;
        foreach (var at in EdgeOf(size))
        {
            _tiles.Add(new byte[TileBytes]);
            if (at.WidthIn(size) is > 0 and var width)
                tile(at)[..(width * MerkleHash.Size)].CopyTo(_tiles[at.Level]);
        }
    }

    /// <summary>How many leaves there are.</summary>
    public long Size { get; private set; }

    /// <summary>The rightmost tile of each level, where the next hash goes; it may have none yet.</summary>
    public static IEnumerable<Tile> EdgeOf(long size)
    {
        for (var (level, hashes) = (0, size); hashes > 0; level++, hashes /= Tile.Width)
            yield return new Tile(level, hashes / Tile.Width);
    }

    public void Append(ReadOnlySpan<byte> leafHash)
    {
        var hash = leafHash;
        for (var (level, place) = (0, Size); ; level++, place /= Tile.Width)
        {
            if (level == _tiles.Count)
                _tiles.Add(new byte[TileBytes]);
            var at = (int)(place % Tile.Width);
            var tile = new Tile(level, place / Tile.Width);
            hash.CopyTo(_tiles[level].AsSpan(at * MerkleHash.Size));
            _touched.Add(tile);
            if (at < Tile.Width - 1)
                break;
            _full[tile] = _tiles[level];
            hash = Tile.Fold(_tiles[level]);
            _tiles[level] = new byte[TileBytes];
        }
        Size++;
    }

    public byte[] Root() => Tile.Hash(new Subtree(0, Size), tile => _tiles[tile.Level]);

    /// <summary>The tiles that have changed since the last call, as wide as they are now.</summary>
    public IReadOnlyList<(Tile Tile, byte[] Hashes)> TakeChanged()
    {
        var changed = new List<(Tile, byte[])>(_touched.Count);
        foreach (var tile in _touched)
            changed.Add((tile, _full.GetValueOrDefault(tile) ?? _tiles[tile.Level][..(tile.WidthIn(Size) * MerkleHash.Size)]));
        _touched.Clear();
        _full.Clear();
        return changed;
    }
}
