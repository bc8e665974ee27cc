using Demarc.Governance.Evidence.Merkle;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Evidence.Merkle;

public sealed class MerkleProperties
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(60);

    // Sizes around the widths of tiles are where layouts go wrong.
    private static readonly Gen<int> Sizes = Gen.OneOf(
        Gen.Choose(1, 40), Gen.Choose(250, 260), Gen.Choose(510, 515), Gen.Choose(65_530, 65_545), Gen.Choose(1, 3000));

    [Fact]
    public void The_tiles_give_the_root_that_the_definition_gives() => Prop.ForAll(
        Sizes.Zip(Gen.Choose(1, 700)).ToArbitrary(),
        t =>
        {
            var leaves = Leaves(t.Item1);
            var tree = Tree.Over(leaves, t.Item2);
            return tree.Hash(new Subtree(0, tree.Size)).SequenceEqual(Mth(leaves)) && !tree.Misfits().Any();
        }).Check(Runs);

    [Fact]
    public void Every_inclusion_proof_holds_for_its_leaf_alone() => Prop.ForAll(
        Sizes.Zip(Gen.Choose(0, 1_000_000)).ToArbitrary(),
        t =>
        {
            var (size, index) = (t.Item1, t.Item2 % t.Item1);
            var tree = Tree.Over(Leaves(size));
            var root = tree.Hash(new Subtree(0, size));
            var path = Subtree.Inclusion(index, size).Select(tree.Hash).ToArray();
            var other = (index + 1) % size;
            return MerkleProof.Includes(index, size, Tree.Leaf(index), path, root)
                && !MerkleProof.Includes(index, size, Tree.Leaf(index + 1), path, root)
                && (size == 1 || !MerkleProof.Includes(other, size, Tree.Leaf(index), path, root))
                && !MerkleProof.Includes(index, size, Tree.Leaf(index), [.. path, root], root)
                && Flips(path).All(flipped => !MerkleProof.Includes(index, size, Tree.Leaf(index), flipped, root));
        }).Check(Runs);

    [Fact]
    public void Every_consistency_proof_holds_for_the_tree_that_was_and_no_other() => Prop.ForAll(
        Sizes.Zip(Gen.Choose(0, 1_000_000)).ToArbitrary(),
        t =>
        {
            var (size, old) = (t.Item1, (t.Item2 % t.Item1) + 1);
            var leaves = Leaves(size);
            var tree = Tree.Over(leaves);
            var (root, oldRoot) = (tree.Hash(new Subtree(0, size)), Tree.Over(leaves[..old]).Hash(new Subtree(0, old)));
            var path = Subtree.Consistency(old, size).Select(tree.Hash).ToArray();
            leaves[old - 1] = Tree.Leaf(-1);
            var forged = Tree.Over(leaves[..old]).Hash(new Subtree(0, old));
            return MerkleProof.Extends(old, oldRoot, size, root, path)
                && !MerkleProof.Extends(old, forged, size, root, path)
                && !MerkleProof.Extends(old, oldRoot, size, root, [.. path, root])
                && Flips(path).All(flipped => !MerkleProof.Extends(old, oldRoot, size, root, flipped));
        }).Check(Runs);

    [Fact]
    public void Any_consecutive_leaves_give_the_root_with_the_subtrees_beside_them() => Prop.ForAll(
        Sizes.Zip(Gen.Choose(0, 1_000_000)).Zip(Gen.Choose(0, 1_000_000)).ToArbitrary(),
        t =>
        {
            var ((size, one), other) = t;
            var (start, end) = (Math.Min(one % size, other % size), Math.Max(one % size, other % size) + 1);
            var tree = Tree.Over(Leaves(size));
            var range = new Subtree(start, end);
            var outside = Subtree.Outside(range, size).ToDictionary(s => s, tree.Hash);
            var root = tree.Hash(new Subtree(0, size));
            return Subtree.Root(range, size, n => Tree.Leaf(n), s => outside[s]).SequenceEqual(root)
                && !Subtree.Root(range, size, n => Tree.Leaf(n == start ? -1 : n), s => outside[s]).SequenceEqual(root)
                && Subtree.Outside(new Subtree(0, size), size).Count == 0;
        }).Check(Runs);

    private static byte[][] Leaves(int size) => [.. Enumerable.Range(0, size).Select(n => Tree.Leaf(n))];

    private static IEnumerable<byte[][]> Flips(byte[][] path)
    {
        for (var i = 0; i < path.Length; i++)
        {
            var flipped = path.Select(h => h.ToArray()).ToArray();
            flipped[i][i % MerkleHash.Size] ^= 1;
            yield return flipped;
        }
    }

    // RFC 6962, 2.1, word for word.
    private static byte[] Mth(ReadOnlySpan<byte[]> leaves)
    {
        if (leaves.Length == 1)
            return leaves[0];
        var k = 1;
        while (k * 2 < leaves.Length)
            k *= 2;
        return MerkleHash.Node(Mth(leaves[..k]), Mth(leaves[k..]));
    }
}
