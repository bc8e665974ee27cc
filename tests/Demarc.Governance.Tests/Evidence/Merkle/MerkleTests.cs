using Demarc.Governance.Evidence.Merkle;
using Xunit;

namespace Demarc.Governance.Tests.Evidence.Merkle;

/// <summary>The vectors that implementations of RFC 6962 share (certificate-transparency, merkletree).</summary>
public sealed class MerkleTests
{
    private static readonly string[] Entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    [Theory]
    [InlineData(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    [InlineData(4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    [InlineData(6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")]
    [InlineData(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    [InlineData(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    public void Roots_are_those_of_the_shared_vectors(int size, string root) => Assert.Equal(root, Convert.ToHexStringLower(Of(size).Root()));

    [Theory]
    [InlineData(0, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(5, 8, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    public void Inclusion_paths_are_those_of_the_shared_vectors(int index, int size, string path) =>
        Assert.Equal(path.Split(' '), Subtree.Inclusion(index, size).Select(s => Convert.ToHexStringLower(Tree.Over(Leaves(size)).Hash(s))));

    [Theory]
    [InlineData(1, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(6, 8, "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(2, 5, "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")]
    public void Consistency_paths_are_those_of_the_shared_vectors(int old, int size, string path) =>
        Assert.Equal(path.Split(' '), Subtree.Consistency(old, size).Select(s => Convert.ToHexStringLower(Tree.Over(Leaves(size)).Hash(s))));

    [Theory]
    [InlineData("0/067", 0, 67, 256)]
    [InlineData("0/x001/x234/067", 0, 1_234_067, 256)]
    [InlineData("2/000.p/1", 2, 0, 1)]
    [InlineData("entries/x001/000.p/255", null, 1000, 255)]
    public void A_tile_is_found_by_its_path(string path, int? level, long number, int width)
    {
        Assert.True(Tile.TryParse(path, out var l, out var n, out var w));
        Assert.Equal((level, number, width), (l, n, w));
    }

    [Theory]
    [InlineData(""), InlineData("0"), InlineData("0/67"), InlineData("0/x000/067"), InlineData("0/001/067"), InlineData("64/000"), InlineData("00/000"), InlineData("-1/000")]
    [InlineData("0/000.p/0"), InlineData("0/000.p/256"), InlineData("0/000.p/01"), InlineData("0/000.p/"), InlineData("data/000"), InlineData("0/x001/x001/x001/x001/x001/x001/x001/001")]
    public void What_is_written_otherwise_is_no_tile(string path) => Assert.False(Tile.TryParse(path, out _, out _, out _));

    private static byte[][] Leaves(int size) => [.. Entries.Take(size).Select(e => MerkleHash.Leaf(Convert.FromHexString(e)))];

    private static TreeEdge Of(int size)
    {
        var tree = new TreeEdge();
        foreach (var leaf in Leaves(size))
            tree.Append(leaf);
        return tree;
    }
}
