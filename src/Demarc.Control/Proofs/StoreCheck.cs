using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Control.Proofs;

/// <summary>
/// Checks a whole store: each record against its commitment, each commitment against its tile, every tile against those
/// below, and the roots that follow against checkpoints that were signed. What does not fit is named. Where a
/// record, its commitment and its hash disagree, the two that agree are believed, so that one change is one finding.
/// </summary>
public sealed class StoreCheck(Store store, string organizationId)
{
    private readonly CheckReport _report = new();
    private readonly TreeEdge _edge = new();
    private readonly Dictionary<Tile, byte[]> _partial = [];
    private readonly List<(long Leaf, string Place)> _erased = [];
    private readonly List<(long First, long Last)> _tombstones = [];
    private readonly LeafSpans _tombstoned = new();
    private readonly List<(long Leaf, string Place, bool IsThere)> _contents = [];
    private readonly LeafSpans _contentTombstones = new();
    private readonly HashSet<long> _sequences = [];

    /// <param name="checkpoints">Their signatures hold.</param>
    public async Task<CheckReport> RunAsync(IEnumerable<Checkpoint> checkpoints)
    {
        // 1 what there has to be
        var (leaves, records) = await store.Tree.CountsAsync(organizationId);
        _report.Leaves = leaves;
        var due = new Queue<Checkpoint>(checkpoints.OrderBy(c => c.Size));
        if (due.LastOrDefault(c => c.Size > leaves) is { } beyond)
            _report.Add($"records {leaves} to {beyond.Size - 1}", "they were in the log when its checkpoint was signed, and are not there now: the end was cut off");

        // 2 each bundle with its records and its tile, and the roots on the way
        var signedTo = 0L;
        var isOtherTree = false;
        for (var number = 0L; number * Tile.Width < leaves; number++)
        {
            foreach (var leaf in await BundleAsync(number, (int)Math.Min(Tile.Width, leaves - (number * Tile.Width))))
            {
                while (due.TryPeek(out var checkpoint) && checkpoint.Size == _edge.Size)
                    Compare(due.Dequeue());
                _edge.Append(leaf);
            }
            await TilesAsync();
        }
        while (due.TryPeek(out var checkpoint) && checkpoint.Size == _edge.Size)
            Compare(due.Dequeue());
        foreach (var (tile, hashes) in _partial)
            await TileAsync(tile, hashes);

        // 3 what was erased, and what was added beside the log
        Erased();
        if (records > leaves || _sequences.Count < leaves)
            await AddedAsync();
        return _report;

        void Compare(Checkpoint checkpoint)
        {
            if (_edge.Root().AsSpan().SequenceEqual(checkpoint.Root))
            {
                _report.Checkpoints++;
                signedTo = checkpoint.Size;
            }
            else if (!isOtherTree)
            {
                isOtherTree = true;
                _report.Add($"records {signedTo} to {checkpoint.Size - 1}", $"the tree over them is not the one that was signed at {checkpoint.Size}: records were changed, and the tree grown anew over them");
            }
        }
    }

    /// <summary>The hashes of a bundle's leaves, as far as they can be told.</summary>
    private async Task<List<byte[]>> BundleAsync(long number, int count)
    {
        var bundle = await store.Tree.BundleAsync(organizationId, number);
        var tile = await store.Tree.TileAsync(organizationId, new Tile(0, number)) ?? [];
        var salts = await store.Tree.SaltsAsync(organizationId, number) ?? [];
        if (bundle is null || bundle.Count < count)
            _report.Add($"bundle {Tile.Path(number)}", bundle is null ? "is missing" : $"has {bundle.Count} leaves of {count}");
        if (tile.Length < count * MerkleHash.Size)
            _report.Add($"tile 0/{Tile.Path(number)}", tile.Length == 0 ? "is missing" : $"has {tile.Length / MerkleHash.Size} hashes of {count}");

        var sequences = bundle is null ? [] : Enumerable.Range(0, bundle.Count).Select(bundle.Sequence).ToArray();
        var records = (await store.Tree.RecordsAsync(sequences)).ToDictionary(r => r.Sequence);
        var contents = await store.Tree.ContentsAsync(sequences);
        var hashes = new List<byte[]>(count);
        for (var place = 0; place < count; place++)
        {
            var entry = bundle is null || place >= bundle.Count ? null : bundle.Entry(place).ToArray();
            var hash = tile.Length < (place + 1) * MerkleHash.Size ? null : tile[(place * MerkleHash.Size)..((place + 1) * MerkleHash.Size)];
            var salt = salts.Length < (place + 1) * RecordCommitment.SaltSize ? null : salts[(place * RecordCommitment.SaltSize)..((place + 1) * RecordCommitment.SaltSize)];
            var record = entry is null ? null : records.GetValueOrDefault(bundle!.Sequence(place));
            hashes.Add(Leaf((number * Tile.Width) + place, record, salt, entry, hash, contents));
        }
        return hashes;
    }

    private byte[] Leaf(long index, LoggedRecord? record, byte[]? salt, byte[]? entry, byte[]? hash, Dictionary<long, byte[]> contents)
    {
        var name = Name(index, record);
        if (record is not null && !_sequences.Add(record.Sequence))
            _report.Add(name, "another leaf is of the same record");
        var erased = record is null ? null : ErasedRecord.Commitment(record.Body);
        var own = record is null || salt is null ? null : erased ?? record.CommitmentUnder(salt);
        var (ownHash, entryHash) = (own is null ? null : MerkleHash.Leaf(own), entry is null ? null : MerkleHash.Leaf(entry));
        var holds = Same(own, entry) || Same(ownHash, hash);
        if (record is null && entry is not null)
            _report.Add(name, "was removed from the log");
        else if (record is not null && salt is null)
            _report.Add(name, "its salt is missing");
        else if (record is not null && !holds)
            _report.Add(name, "was changed, or stands in another's place");
        if (entry is not null && hash is not null && !Same(entryHash, hash))
        {
            if (Same(own, entry))
                _report.Add($"tile 0/{Tile.Path(index / Tile.Width)}", $"hash {index % Tile.Width} was changed");
            else
                _report.Add($"bundle {Tile.Path(index / Tile.Width)}", $"leaf {index % Tile.Width} was changed");
        }
        if (holds && erased is not null)
            _erased.Add((index, name));
        else if (holds && record is { Kind: (long)RecordKind.Event })
        {
            var ranges = ErasedRecord.Ranges(record.Body);
            _tombstones.AddRange(ranges);
            _tombstoned.Add(ranges);
            _contentTombstones.Add(ErasedRecord.Ranges(record.Body, ErasedRecord.ContentTombstone));
        }
        else if (holds && record is { Kind: (long)RecordKind.Finished })
            Content(index, name, record, contents.GetValueOrDefault(record.Sequence));
        return (Same(ownHash, hash) || Same(entryHash, hash) ? hash : holds ? ownHash : entryHash ?? hash) ?? MerkleHash.Empty;
    }

    private void Content(long index, string name, LoggedRecord record, byte[]? content)
    {
        try
        {
            var finished = JsonSerializer.Deserialize(record.Body, RecordJson.Default.FinishedRecord)!;
            if (finished.ContentSha256 is not null)
                _contents.Add((index, name, content is not null));
            if (finished.ContentSha256 is null && content is not null)
                _report.Add(name, "content was put to it that it did not have");
            else if (content is not null && Convert.ToHexStringLower(SHA256.HashData(content)) != finished.ContentSha256)
                _report.Add(name, "its captured content was changed");
        }
        catch (JsonException)
        {
            // It is as it was written; what it says is not this check's to judge.
        }
    }

    private async Task TilesAsync()
    {
        foreach (var (tile, hashes) in _edge.TakeChanged())
        {
            _partial.Remove(tile);
            if (tile.Level == 0)
                continue;
            if (hashes.Length == Tile.Width * MerkleHash.Size)
                await TileAsync(tile, hashes);
            else
                _partial[tile] = hashes;
        }
    }

    private async Task TileAsync(Tile tile, byte[] hashes)
    {
        if (hashes.Length == 0)
            return;
        var kept = await store.Tree.TileAsync(organizationId, tile);
        var name = string.Create(CultureInfo.InvariantCulture, $"tile {tile.Level}/{Tile.Path(tile.Number)}");
        if (kept is null || kept.Length < hashes.Length)
            _report.Add(name, kept is null ? "is missing" : $"has {kept.Length / MerkleHash.Size} hashes of {hashes.Length / MerkleHash.Size}");
        else if (!kept.AsSpan(0, hashes.Length).SequenceEqual(hashes))
            _report.Add(name, "is not what the leaves below it give");
    }

    private void Erased()
    {
        foreach (var (leaf, name) in _erased)
        {
            if (_tombstoned.Cover(leaf))
                _report.Erased++;
            else
                _report.Add(name, "was erased, and no tombstone names it");
        }
        foreach (var (leaf, name, isThere) in _contents)
        {
            var isErased = _contentTombstones.Cover(leaf);
            if (isErased && !isThere)
                _report.ContentsErased++;
            else if (isErased)
                _report.Add(name, "its captured content was erased, as a tombstone says, and is there again");
            else if (!isThere)
                _report.Add(name, "its captured content was removed");
        }
        var erased = _erased.Select(e => e.Leaf).ToHashSet();
        foreach (var leaf in _tombstones.SelectMany(t => Enumerable.Range(0, (int)Math.Min(t.Last - t.First + 1, _report.Leaves)).Select(n => t.First + n)).Where(l => l < _report.Leaves && !erased.Contains(l)).Distinct())
            _report.Add(Name(leaf, null), "was erased, as a tombstone says, and is there again");
    }

    private async Task AddedAsync()
    {
        long[] next;
        for (var after = 0L; (next = await store.Tree.SequencesAsync(organizationId, after, 5000)).Length > 0; after = next[^1])
        {
            foreach (var sequence in next.Where(s => !_sequences.Contains(s)))
                _report.Add(string.Create(CultureInfo.InvariantCulture, $"sequence {sequence}"), "is in the log and no leaf of the tree: it was put there beside Demarc, or moved");
        }
    }

    private static string Name(long index, LoggedRecord? record) => record is null
        ? string.Create(CultureInfo.InvariantCulture, $"record {index}")
        : string.Create(CultureInfo.InvariantCulture, $"record {index} ({RecordCommitment.Word((RecordKind)record.Kind)} {Ids.From(record.Kind == (long)RecordKind.Event ? Ids.Activity : Ids.Request, record.Id)})");

    private static bool Same(byte[]? one, byte[]? other) => one is not null && other is not null && one.AsSpan().SequenceEqual(other);
}
