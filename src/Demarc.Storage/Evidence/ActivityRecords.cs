using System.Data.Common;
using System.Text.Json;
using Dapper;

namespace Demarc.Storage.Evidence;

/// <summary>A record as an activity needs it.</summary>
internal sealed record ActivityRecord
{
    public required long Sequence { get; init; }

    public required byte[] RequestId { get; init; }

    public string? SessionId { get; init; }

    public required long At { get; init; }

    public required byte[] Body { get; init; }
}

/// <summary>
/// Reads records by their sequences. Those of a large page lie on thousands of pages of the file, so they are read in parts, each
/// over a connection of its own.
/// </summary>
internal static class ActivityRecords
{
    private const int Parts = 4;

    // Fewer are read sooner than another connection is there.
    private const int LeastOfPart = 500;

    /// <summary>By sequence; without those that are gone.</summary>
    /// <param name="connection">Has read of them.</param>
    public static async Task<Dictionary<long, ActivityRecord>> ReadAsync(Store store, DbConnection connection, long[] sequences)
    {
        Array.Sort(sequences);
        var size = Math.Max(LeastOfPart, (sequences.Length + Parts - 1) / Parts);
        var parts = sequences.Chunk(size).ToArray();
        var others = parts.Skip(1).Select(part => ReadBesideAsync(store, part)).ToArray();
        var records = new Dictionary<long, ActivityRecord>(sequences.Length);
        foreach (var part in await Task.WhenAll([PartAsync(store, connection, parts.FirstOrDefault([])), .. others]).ConfigureAwait(false))
        {
            foreach (var record in part)
                records[record.Sequence] = record;
        }
        return records;
    }

    private static async Task<IEnumerable<ActivityRecord>> ReadBesideAsync(Store store, long[] sequences)
    {
        // SQLite reads on the thread that asks.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var connection = await store.OpenReadBesideAsync().ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return await PartAsync(store, connection, sequences).ConfigureAwait(false);
    }

    private static Task<IEnumerable<ActivityRecord>> PartAsync(Store store, DbConnection connection, long[] sequences) =>
        connection.QueryAsync<ActivityRecord>(
            $"SELECT sequence, request_id, session_id, at, body FROM records WHERE sequence IN {store.NumbersOfJson("sequences")}",
            new { sequences = JsonSerializer.Serialize(sequences) });
}
