using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;
using Demarc.Storage.Evidence.Merkle;
using Xunit;

namespace Demarc.Tests.Storage;

public class EvidenceTreeTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Every_record_is_a_leaf_and_proves_itself_against_any_later_root(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var other = await place.OpenAsync();
        var roots = new Dictionary<long, byte[]>();
        // Batches that end within a bundle, at its end, and past it; from two replicas.
        foreach (var requests in new[] { 3, 125, 300, 1 })
        {
            await Task.WhenAll(Enumerable.Range(0, requests).Select(n => new Conversation(n % 2 == 0 ? store : other).WholeAsync()));
            await place.ProjectAsync(store);
            var grown = await store.Tree.SizeAsync("org_1");
            roots[grown] = await store.Tree.RootAsync("org_1", grown);
        }
        Assert.Equal([6, 256, 856, 858], roots.Keys);

        var log = await place.LogAsync(store);
        var proven = 0;
        for (var number = 0; await store.Tree.BundleAsync("org_1", number) is { } bundle; number++)
        {
            var salts = (await store.Tree.SaltsAsync("org_1", number))!;
            for (var i = 0; i < bundle.Count; i++, proven++)
            {
                var record = Assert.Single(await store.Tree.RecordsAsync([bundle.Sequence(i)]));
                Assert.Equal(log[proven].Sequence, record.Sequence);
                var commitment = record.CommitmentUnder(salts.AsSpan(i * RecordCommitment.SaltSize, RecordCommitment.SaltSize));
                Assert.Equal(bundle.Entry(i), commitment);
                Assert.Equal(bundle.IndexOf(i), await store.Tree.IndexOfAsync("org_1", record.Sequence));
                if (proven % 97 != 0)
                    continue;
                foreach (var (size, root) in roots.Where(r => r.Key > proven))
                {
                    var path = await store.Tree.HashesAsync("org_1", Subtree.Inclusion(proven, size));
                    Assert.True(MerkleProof.Includes(proven, size, MerkleHash.Leaf(commitment), path, root));
                }
            }
        }
        Assert.Equal(858, proven);
        foreach (var (old, size) in new[] { (6L, 256L), (256, 856), (6, 858) })
        {
            var path = await store.Tree.HashesAsync("org_1", Subtree.Consistency(old, size));
            Assert.True(MerkleProof.Extends(old, roots[old], size, roots[size], path));
        }
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Two_that_erase_leaves_of_one_page_at_once_leave_the_salts_of_neither(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        Store[] stores = [await place.OpenAsync(), await place.OpenAsync()];
        await stores[0].AppendAsync(StorePlace.Event("org_1"));
        await place.ProjectAsync(stores[0]);

        await Task.WhenAll(Enumerable.Range(0, 60).Select(n => stores[n % 2].ClearLeafSaltsAsync("org_1", 0, [n])));

        var salts = (await stores[0].Tree.SaltsAsync("org_1", 0))!.Chunk(RecordCommitment.SaltSize).ToArray();
        Assert.All(salts[..60], salt => Assert.All(salt, b => Assert.Equal(0, b)));
        Assert.All(salts[60..], salt => Assert.Contains(salt, b => b != 0));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_tree_that_is_lost_grows_again_as_it_was_also_under_another_leader(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => new Conversation(store).WholeAsync()));
        await place.ProjectAsync(store);
        var root = await store.Tree.RootAsync("org_1", 400);

        await place.SqlAsync<int>("DELETE FROM tiles WHERE organization_id = 'org_1'");
        await place.SqlAsync<int>("DELETE FROM leaf_bundles WHERE organization_id = 'org_1'");
        await place.SqlAsync<int>("UPDATE watermarks SET xact = 0, sequence = 0 WHERE name = 'leaves'");
        var next = await place.OpenAsync();
        await new Conversation(next).WholeAsync();
        await place.ProjectAsync(next);

        Assert.Equal(402, await next.Tree.SizeAsync("org_1"));
        Assert.Equal(root, await next.Tree.RootAsync("org_1", 400));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Each_organization_has_a_tree_of_its_own(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(n => new Conversation(store, organization: $"org_{n % 2}").WholeAsync()));
        await place.ProjectAsync(store);

        Assert.Equal((10, 10, 0), (await store.Tree.SizeAsync("org_0"), await store.Tree.SizeAsync("org_1"), await store.Tree.SizeAsync("org_2")));
        var record = (await store.Tree.BundleAsync("org_0", 0))!.Sequence(3);
        Assert.Equal((3, null), (await store.Tree.IndexOfAsync("org_0", record), await store.Tree.IndexOfAsync("org_1", record)));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_record_is_found_far_behind_those_that_it_was_numbered_with(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 640).Select(_ => new Conversation(store).WholeAsync()));
        await place.ProjectAsync(store);
        // As a transaction leaves it that took its number early and ended late.
        var (first, late) = ((await store.Tree.BundleAsync("org_1", 0))!, (await store.Tree.BundleAsync("org_1", 4))!);
        var sequence = first.Sequence(3);
        await store.WriteDerivedAsync(async transaction =>
        {
            await transaction.ExecuteAsync("UPDATE leaf_bundles SET sequences = @sequences WHERE number = 0", new { sequences = (byte[])[.. first.Sequences[..24], .. new byte[8], .. first.Sequences[32..]] });
            return await transaction.ExecuteAsync(
                "UPDATE leaf_bundles SET first_sequence = @sequence, sequences = @sequences WHERE number = 4", new { sequence, sequences = (byte[])[.. first.Sequences[24..32], .. late.Sequences[8..]] });
        });

        Assert.Equal(4 * 256, await store.Tree.IndexOfAsync("org_1", sequence));
        Assert.Equal(new() { [sequence] = 4 * 256, [first.Sequence(4)] = 4 }, await store.Tree.IndicesOfAsync("org_1", [first.Sequence(4), sequence]));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Two_leaders_at_once_grow_one_tree(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var stores = new[] { await place.OpenAsync(), await place.OpenAsync() };
        await Task.WhenAll(Enumerable.Range(0, 700).Select(_ => new Conversation(stores[0]).WholeAsync()));
        await place.LogAsync(stores[0]);

        await Task.WhenAll(stores.Select(LeadAsync));
        Assert.Equal(1400, await stores[0].Tree.SizeAsync("org_1"));
        await Task.WhenAll(stores.Select(s => new Conversation(s).WholeAsync()));
        await place.ProjectAsync(stores[1]);

        Assert.Equal(1404, await stores[0].Tree.SizeAsync("org_1"));
        Assert.Equal(Enumerable.Range(0, 6).Select(n => Math.Min(256, 1404 - (n * 256))), await Task.WhenAll(Enumerable.Range(0, 6).Select(async n => (await stores[0].Tree.BundleAsync("org_1", n))!.Count)));

        static async Task LeadAsync(Store store)
        {
            while (true)
                try
                {
                    await store.Projector.CatchUpAsync();
                    return;
                }
                catch (StoreException)
                {
                    // The other one moved the watermark: go on from there.
                }
        }
    }
}
