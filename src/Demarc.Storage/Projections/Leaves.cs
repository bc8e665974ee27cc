using System.Buffers.Binary;
using System.Security.Cryptography;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage.Evidence;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Storage.Projections;

/// <summary>
/// Grows the evidence trees by what the log has new. Salts are durable before the first leaf that takes one, so that
/// what is lost from the derived tables grows again as it was.
/// </summary>
internal sealed class Leaves(Store store)
{
    /// <summary>Salts are made for so many bundles at once: one flush serves 16,384 records.</summary>
    private const int SaltPages = 64;

    private readonly Dictionary<string, Growth> _trees = [];
    private Watermark? _mark;

    /// <summary>How far the trees have followed the log.</summary>
    public async Task<LogPlace> PlaceAsync() => (await MarkAsync().ConfigureAwait(false)).Place;

    /// <summary>What rows of the log, in its order, add to the trees; those that are in them already add nothing.</summary>
    public async Task<LeafBatch> OfAsync(LogRow[] rows)
    {
        var mark = await MarkAsync().ConfigureAwait(false);
        var batch = new LeafBatch(mark);
        foreach (var row in rows)
        {
            if (row.Place.CompareTo(mark.Place) <= 0)
                continue;
            if (!_trees.TryGetValue(row.OrganizationId, out var tree))
                _trees[row.OrganizationId] = tree = await LoadAsync(row.OrganizationId).ConfigureAwait(false);
            if (tree.NeedsSalts)
                tree.Salts = await SaltsAsync(row.OrganizationId, tree.Bundle).ConfigureAwait(false);
            if (tree.Add(row) is { } full)
                batch.Bundles.Add(full);
            batch.To = row.Place;
        }
        foreach (var tree in _trees.Values)
            tree.Take(batch);
        return batch;
    }

    /// <summary>The batch has been written.</summary>
    public void Keep(LeafBatch batch) => _mark = _mark! with { Xact = batch.To.Xact, Sequence = batch.To.Sequence };

    /// <summary>It has not, or another process leads: what is in memory counts no more.</summary>
    public void Clear()
    {
        _mark = null;
        _trees.Clear();
    }

    private async Task<Watermark> MarkAsync() =>
        _mark ??= (await store.FindAsync<Watermark>(Watermark.Select, new { name = "leaves" }).ConfigureAwait(false))!;

    private async Task<Growth> LoadAsync(string organizationId)
    {
        var size = await store.Tree.SizeAsync(organizationId).ConfigureAwait(false);
        var tiles = new Dictionary<Tile, byte[]>();
        foreach (var tile in TreeEdge.EdgeOf(size).Where(t => t.WidthIn(size) > 0))
            tiles[tile] = await store.Tree.TileAsync(organizationId, tile).ConfigureAwait(false)
                ?? throw new StoreException($"Tile {tile.Number} of level {tile.Level} of the evidence tree is missing: restore derived.db, or remove it, and it is derived again.");
        var last = size % Tile.Width == 0 ? null : await store.Tree.BundleAsync(organizationId, size / Tile.Width).ConfigureAwait(false);
        return new Growth(organizationId, new TreeEdge(size, tile => tiles[tile]), last);
    }

    private async Task<byte[]> SaltsAsync(string organizationId, long number)
    {
        if (await store.FindLeafSaltsAsync(organizationId, number).ConfigureAwait(false) is { } salts)
            return salts;
        var pages = Enumerable.Range(0, SaltPages).Select(_ => RandomNumberGenerator.GetBytes(Tile.Width * RecordCommitment.SaltSize)).ToArray();
        await store.KeepLeafSaltsAsync(organizationId, number, pages).ConfigureAwait(false);
        // Not those made here: another process may have been first.
        return (await store.FindLeafSaltsAsync(organizationId, number).ConfigureAwait(false))!;
    }

    /// <summary>One organization's tree, and its last bundle as far as it is filled.</summary>
    private sealed class Growth
    {
        private readonly string _organizationId;
        private readonly TreeEdge _edge;
        private readonly byte[] _entries = new byte[Tile.Width * RecordCommitment.Size];
        private readonly byte[] _sequences = new byte[Tile.Width * sizeof(long)];
        private bool _grown;

        public Growth(string organizationId, TreeEdge edge, LeafBundle? last)
        {
            (_organizationId, _edge) = (organizationId, edge);
            last?.Entries.CopyTo(_entries, 0);
            last?.Sequences.CopyTo(_sequences, 0);
        }

        public long Bundle => _edge.Size / Tile.Width;

        public bool NeedsSalts => Salts is null || Filled == 0;

        public byte[]? Salts { get; set; }

        private int Filled => (int)(_edge.Size % Tile.Width);

        /// <summary>The columns of the bundle that this fills, else null.</summary>
        public object?[]? Add(LogRow row)
        {
            var place = Filled;
            var entry = ErasedRecord.Commitment(row.Body) ?? RecordCommitment.Of(
                Salts.AsSpan(place * RecordCommitment.SaltSize, RecordCommitment.SaltSize),
                row.OrganizationId, (RecordKind)row.Kind, new Guid(row.RequestId, bigEndian: true), row.SessionId, row.At, row.Body);
            entry.CopyTo(_entries, place * RecordCommitment.Size);
            BinaryPrimitives.WriteInt64BigEndian(_sequences.AsSpan(place * sizeof(long)), row.Sequence);
            var full = place == Tile.Width - 1 ? Columns(Bundle, Tile.Width) : null;
            _edge.Append(MerkleHash.Leaf(entry));
            _grown = true;
            return full;
        }

        public void Take(LeafBatch batch)
        {
            if (!_grown)
                return;
            _grown = false;
            if (Filled > 0)
                batch.Bundles.Add(Columns(Bundle, Filled));
            foreach (var (tile, hashes) in _edge.TakeChanged())
                batch.Tiles.Add([_organizationId, (long)tile.Level, tile.Number, hashes]);
        }

        private object?[] Columns(long number, int filled)
        {
            var sequences = _sequences[..(filled * sizeof(long))];
            var (first, last) = (long.MaxValue, 0L);
            for (var i = 0; i < filled; i++)
            {
                var sequence = BinaryPrimitives.ReadInt64BigEndian(sequences.AsSpan(i * sizeof(long)));
                (first, last) = (Math.Min(first, sequence), Math.Max(last, sequence));
            }
            return [_organizationId, number, first, last, _entries[..(filled * RecordCommitment.Size)], sequences];
        }
    }
}

/// <summary>What a batch of the log's rows adds to the evidence trees, to be written with the watermark in one transaction.</summary>
internal sealed class LeafBatch(Watermark mark)
{
    private static readonly BulkStatement KeepBundles = BulkStatement.Insert(
        "leaf_bundles",
        "organization_id:t number:i first_sequence:i last_sequence:i entries:b sequences:b",
        """
        ON CONFLICT (organization_id, number) DO UPDATE SET
          first_sequence = excluded.first_sequence, last_sequence = excluded.last_sequence, entries = excluded.entries, sequences = excluded.sequences
        """);

    private static readonly BulkStatement KeepTiles = BulkStatement.Insert(
        "tiles", "organization_id:t level:i number:i hashes:b",
        "ON CONFLICT (organization_id, level, number) DO UPDATE SET hashes = excluded.hashes");

    /// <summary>The last row's place.</summary>
    public LogPlace To { get; set; } = mark.Place;

    /// <summary>As their table has its columns.</summary>
    public List<object?[]> Bundles { get; } = [];

    /// <summary>As their table has its columns.</summary>
    public List<object?[]> Tiles { get; } = [];

    public async Task<int> WriteAsync(StoreTransaction transaction)
    {
        if (To == mark.Place)
            return 0;
        await mark.MoveAsync(transaction, "leaves", mark with { Xact = To.Xact, Sequence = To.Sequence }).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(KeepBundles, Bundles).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(KeepTiles, Tiles).ConfigureAwait(false);
        return 0;
    }
}
