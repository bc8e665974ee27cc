using System.Text.Json;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage.Evidence.Merkle;

/// <summary>
/// The log of records as a Merkle tree, one for each organization over all replicas, in the log's order up to its
/// watermark; it follows the log within a second.
/// </summary>
public sealed class EvidenceTree
{
    // Bundles behind a record that are looked at first, and then: each is pages of a file that may be on the disk alone.
    private static readonly int[] Near = [1, 3];

    private readonly Store _store;

    internal EvidenceTree(Store store) => _store = store;

    private string SelectRecord => $"SELECT sequence, organization_id, kind, request_id, session_id, at, {_store.AsBytes("body")} AS body FROM records";

    /// <summary>How many leaves there are.</summary>
    public async Task<long> SizeAsync(string organizationId)
    {
        var last = await _store.FindAsync<LeafBundle>(
            "SELECT number, entries, sequences FROM leaf_bundles WHERE organization_id = @organizationId ORDER BY number DESC LIMIT 1",
            new { organizationId }).ConfigureAwait(false);
        return last is null ? 0 : last.IndexOf(last.Count);
    }

    /// <summary>How many leaves there are, and how many records the log has up to there: the same, unless one was added or removed since.</summary>
    public async Task<(long Leaves, long Records)> CountsAsync(string organizationId)
    {
        var counts = await _store.FindAsync<Counts>(
            $"""
            SELECT coalesce((SELECT b.number * {Tile.Width} + length(b.entries) / {RecordCommitment.Size} FROM leaf_bundles b
                WHERE b.organization_id = @organizationId ORDER BY b.number DESC LIMIT 1), 0) AS leaves,
              (SELECT count(*) FROM records r, watermarks m WHERE r.organization_id = @organizationId AND m.name = 'leaves' AND {_store.IsPassed}) AS records
            """,
            new { organizationId }).ConfigureAwait(false);
        return (counts!.Leaves, counts.Records);
    }

    /// <summary>The next records of the log that the tree has passed, by sequence.</summary>
    public Task<long[]> SequencesAsync(string organizationId, long after, int limit) =>
        _store.QueryAsync<long>(
            $"""
            SELECT r.sequence FROM records r, watermarks m
            WHERE r.organization_id = @organizationId AND m.name = 'leaves' AND {_store.IsPassed} AND r.sequence > @after ORDER BY r.sequence LIMIT @limit
            """,
            new { organizationId, after, limit });

    /// <summary>When these records were made, by sequence, Unix milliseconds.</summary>
    public async Task<Dictionary<long, long>> TimesAsync(IEnumerable<long> sequences)
    {
        var rows = await _store.QueryAsync<(long Sequence, long At)>(
            $"SELECT sequence, at FROM records WHERE sequence IN {_store.NumbersOfJson("sequences")}", new { sequences = JsonSerializer.Serialize(sequences) }).ConfigureAwait(false);
        return rows.ToDictionary(r => r.Sequence, r => r.At);
    }

    /// <summary>Sealed content of these records, by sequence, where there is any.</summary>
    public async Task<Dictionary<long, byte[]>> ContentsAsync(IEnumerable<long> sequences)
    {
        var rows = await _store.QueryAsync<(long Sequence, byte[] Content)>(
            $"SELECT sequence, {_store.AsBytes("content")} AS content FROM records WHERE content IS NOT NULL AND sequence IN {_store.NumbersOfJson("sequences")}",
            new { sequences = JsonSerializer.Serialize(sequences) }).ConfigureAwait(false);
        return rows.ToDictionary(r => r.Sequence, r => r.Content);
    }

    /// <summary>A tile's hashes as wide as it is by now; null when it has none yet.</summary>
    public Task<byte[]?> TileAsync(string organizationId, Tile tile) =>
        _store.FindAsync<byte[]>(
            "SELECT hashes FROM tiles WHERE organization_id = @organizationId AND level = @level AND number = @Number",
            new { organizationId, level = (long)tile.Level, tile.Number });

    /// <summary>The leaves from 256 times that number on; null when there are none yet.</summary>
    public Task<LeafBundle?> BundleAsync(string organizationId, long number) =>
        _store.FindAsync<LeafBundle>(
            "SELECT number, entries, sequences FROM leaf_bundles WHERE organization_id = @organizationId AND number = @number",
            new { organizationId, number });

    /// <summary>The hashes of these subtrees, all of which lie within the tree.</summary>
    /// <exception cref="StoreException">A tile of the tree is missing or too short.</exception>
    public async Task<byte[][]> HashesAsync(string organizationId, IReadOnlyCollection<Subtree> subtrees)
    {
        // A level at a time: what a proof needs of one lies in a tile or two.
        var tiles = new Dictionary<Tile, byte[]>();
        foreach (var level in subtrees.SelectMany(Tile.Of).Distinct().GroupBy(tile => tile.Level))
        {
            var read = await _store.QueryAsync<(long Number, byte[] Hashes)>(
                $"SELECT number, hashes FROM tiles WHERE organization_id = @organizationId AND level = @level AND number IN {_store.NumbersOfJson("numbers")}",
                new { organizationId, level = (long)level.Key, numbers = JsonSerializer.Serialize(level.Select(tile => tile.Number)) }).ConfigureAwait(false);
            foreach (var (number, hashes) in read)
                tiles[new Tile(level.Key, number)] = hashes;
        }
        try
        {
            return [.. subtrees.Select(s => Tile.Hash(s, tile => tiles.GetValueOrDefault(tile)))];
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new StoreException("A tile of the evidence tree is missing or too short: demarc verify names it.", e);
        }
    }

    /// <summary>The root of the tree when it had so many leaves.</summary>
    public async Task<byte[]> RootAsync(string organizationId, long size) =>
        (await HashesAsync(organizationId, [new Subtree(0, size)]).ConfigureAwait(false))[0];

    /// <summary>Where a record of the log is in the tree; null while it is not yet.</summary>
    public async Task<long?> IndexOfAsync(string organizationId, long sequence)
    {
        foreach (var bundle in await BundlesAroundAsync(organizationId, sequence).ConfigureAwait(false))
        {
            if (bundle.PlaceOf(sequence) is >= 0 and var place)
                return bundle.IndexOf(place);
        }
        return null;
    }

    /// <summary>Where records of the log are in the tree, by sequence; those that are no leaf yet are left out.</summary>
    public async Task<Dictionary<long, long>> IndicesOfAsync(string organizationId, IReadOnlyCollection<long> sequences)
    {
        var found = new Dictionary<long, long>();
        var wanted = sequences.ToHashSet();
        foreach (var sequence in sequences.Order())
        {
            if (found.ContainsKey(sequence))
                continue;
            foreach (var bundle in await BundlesAroundAsync(organizationId, sequence).ConfigureAwait(false))
            {
                for (var place = 0; place < bundle.Count; place++)
                {
                    if (wanted.Contains(bundle.Sequence(place)))
                        found[bundle.Sequence(place)] = bundle.IndexOf(place);
                }
            }
        }
        return found;
    }

    /// <summary>The salts of the leaves from 256 times that number on; null when they are gone.</summary>
    public Task<byte[]?> SaltsAsync(string organizationId, long number) => _store.FindLeafSaltsAsync(organizationId, number);

    /// <summary>The records of these sequences that are there.</summary>
    public Task<LoggedRecord[]> RecordsAsync(IEnumerable<long> sequences) =>
        _store.QueryAsync<LoggedRecord>(
            $"{SelectRecord} WHERE sequence IN {_store.NumbersOfJson("sequences")}", new { sequences = JsonSerializer.Serialize(sequences) });

    /// <summary>All records of a request or event that are in the log, in its order.</summary>
    public Task<LoggedRecord[]> RecordsOfAsync(string organizationId, Guid id)
    {
        return _store.QueryAsync<LoggedRecord>(
            $"""
            {SelectRecord} WHERE request_id = @requestId AND kind IN (1, 3) AND organization_id = @organizationId
            UNION ALL {SelectRecord} WHERE request_id = @requestId AND kind = 2 AND organization_id = @organizationId
            UNION ALL {SelectRecord} WHERE kind = 4 AND organization_id = @organizationId
              AND sequence IN (SELECT finished FROM activities WHERE request_id = @requestId AND organization_id = @organizationId)
            ORDER BY sequence
            """,
            new { organizationId, requestId = id.ToByteArray(bigEndian: true) });
    }

    // Nearly always it is the first that ends behind it. On PostgreSQL the order is not quite that of the sequences: a few bundles may span
    // one, and after a transaction that took long all of them have to be looked at.
    private async Task<LeafBundle[]> BundlesAroundAsync(string organizationId, long sequence)
    {
        const string Behind = "FROM leaf_bundles WHERE organization_id = @organizationId AND last_sequence >= @sequence";
        foreach (var limit in Near)
        {
            var near = await _store.QueryAsync<LeafBundle>(
                $"SELECT number, entries, sequences {Behind} ORDER BY last_sequence LIMIT {limit}", new { organizationId, sequence }).ConfigureAwait(false);
            if (near.Length == 0 || Array.Exists(near, bundle => bundle.PlaceOf(sequence) >= 0))
                return near;
        }
        return await _store.QueryAsync<LeafBundle>(
            $"SELECT number, entries, sequences {Behind} AND first_sequence <= @sequence ORDER BY last_sequence", new { organizationId, sequence }).ConfigureAwait(false);
    }

    private sealed record Counts
    {
        public required long Leaves { get; init; }

        public required long Records { get; init; }
    }
}
