using System.Globalization;
using System.Numerics;

namespace Demarc.Governance.Evidence.Merkle;

/// <summary>
/// Up to 256 consecutive hashes of one height of the tree: those of leaves at level 0, above it each of a full tile
/// below (C2SP tlog-tiles, "Merkle Tree").
/// </summary>
public readonly record struct Tile(int Level, long Number)
{
    /// <summary>Hashes in a full tile, and entries in a full bundle.</summary>
    public const int Width = 256;

    /// <summary>Levels of the tree from one tile to the next.</summary>
    private const int Height = 8;

    /// <summary>How many hashes it has in a tree of so many leaves; 0 for none.</summary>
    public int WidthIn(long size) => (int)Math.Clamp((size >> (Height * Level)) - (Number * Width), 0, Width);

    /// <summary>A number as the layout writes it: <c>x001/x234/067</c>.</summary>
    public static string Path(long number)
    {
        var path = (number % 1000).ToString("d3", CultureInfo.InvariantCulture);
        for (number /= 1000; number > 0; number /= 1000)
            path = string.Create(CultureInfo.InvariantCulture, $"x{number % 1000:d3}/{path}");
        return path;
    }

    /// <summary>
    /// Reads <c>0/x001/234.p/5</c> or <c>entries/067</c> after <c>tile/</c>: a level (null for entries), a number and a
    /// width. False for what is written otherwise.
    /// </summary>
    public static bool TryParse(string path, out int? level, out long number, out int width)
    {
        (level, number, width) = (null, 0, Width);
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return false;
        if (path[..slash] != "entries")
        {
            if (!Whole(path[..slash], 63, out var l))
                return false;
            level = (int)l;
        }
        var rest = path[(slash + 1)..];
        if (rest.IndexOf(".p/", StringComparison.Ordinal) is >= 0 and var partial)
        {
            if (!Whole(rest[(partial + 3)..], Width - 1, out var w) || w == 0)
                return false;
            (width, rest) = ((int)w, rest[..partial]);
        }
        var parts = rest.Split('/');
        for (var i = 0; i < parts.Length; i++)
        {
            var isLast = i == parts.Length - 1;
            var digits = isLast ? parts[i] : parts[i].StartsWith('x') ? parts[i][1..] : "";
            if (parts.Length > 6 || digits.Length != 3 || !digits.All(char.IsAsciiDigit))
                return false;
            number = (number * 1000) + int.Parse(digits, CultureInfo.InvariantCulture);
        }
        return rest == Path(number);
    }

    /// <summary>The tiles that hold what <see cref="Hash"/> needs.</summary>
    public static IEnumerable<Tile> Of(Subtree subtree) => subtree.Perfect().Select(p => Place(p).Tile);

    /// <summary>The hash of a subtree (RFC 6962, 2.1) out of the tiles.</summary>
    /// <param name="tile">A tile's hashes, one after another.</param>
    public static byte[] Hash(Subtree subtree, Func<Tile, ReadOnlyMemory<byte>> tile)
    {
        if (subtree.Width == 0)
            return MerkleHash.Empty;
        byte[]? hash = null;
        foreach (var perfect in subtree.Perfect().Reverse())
        {
            var (place, at, count) = Place(perfect);
            var own = Fold(tile(place).Span.Slice(at * MerkleHash.Size, count * MerkleHash.Size));
            hash = hash is null ? own : MerkleHash.Node(own, hash);
        }
        return hash!;
    }

    /// <summary>The hash over a power of two of hashes.</summary>
    public static byte[] Fold(ReadOnlySpan<byte> hashes)
    {
        if (hashes.Length == MerkleHash.Size)
            return hashes.ToArray();
        var half = hashes.Length / 2;
        return MerkleHash.Node(Fold(hashes[..half]), Fold(hashes[half..]));
    }

    // A perfect tree lies within one tile: so many of its hashes from a place in it on.
    private static (Tile Tile, int At, int Count) Place(Subtree perfect)
    {
        var depth = BitOperations.Log2((ulong)perfect.Width);
        var level = depth / Height;
        var first = perfect.Start >> (Height * level);
        return (new Tile(level, first / Width), (int)(first % Width), 1 << (depth % Height));
    }

    private static bool Whole(string text, int most, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= most && (text.Length == 1 || text[0] != '0');
}
