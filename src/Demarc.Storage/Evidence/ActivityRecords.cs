using System.Data.Common;

namespace Demarc.Storage.Evidence;

/// <summary>Where an activity stands.</summary>
internal sealed record ActivityPlace
{
    /// <summary>Which of the filter's values it was found by.</summary>
    public long Value { get; init; }

    public required long Position { get; init; }

    public required string Type { get; init; }

    public long? Begun { get; init; }

    public required long Finished { get; init; }
}

/// <summary>
/// Reads activities by their places. The records of a large page lie on thousands of pages of the file, so they are read in parts,
/// each over a connection of its own.
/// </summary>
internal static class ActivityRecords
{
    private const int Parts = 4;

    // Fewer are read sooner than another connection is there.
    private const int LeastOfPart = 250;

    /// <summary>In the order of the places; without those whose records are gone.</summary>
    /// <param name="connection">Has read the places.</param>
    public static async Task<Activity[]> ReadAsync(Store store, DbConnection connection, ActivityPlace[] places)
    {
        if (places.Length == 0)
            return [];
        var parts = places.Chunk(Math.Max(LeastOfPart, (places.Length + Parts - 1) / Parts)).ToArray();
        var others = parts.Skip(1).Select(part => ReadBesideAsync(store, part)).ToArray();
        var read = await Task.WhenAll([PartAsync(store, connection, parts[0]), .. others]).ConfigureAwait(false);
        return [.. read.SelectMany(part => part)];
    }

    private static async Task<List<Activity>> ReadBesideAsync(Store store, ActivityPlace[] places)
    {
        // SQLite reads on the thread that asks.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var connection = await store.OpenReadBesideAsync().ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return await PartAsync(store, connection, places).ConfigureAwait(false);
    }

    // By hand and not by Dapper: ten thousand rows, most of what they allocate outlives the reading.
    private static async Task<List<Activity>> PartAsync(Store store, DbConnection connection, ActivityPlace[] places)
    {
        var sequences = places.Select(p => p.Finished).Concat(places.Select(p => p.Begun).OfType<long>()).ToArray();
        Array.Sort(sequences);
        var records = new Record[sequences.Length];
        var command = connection.CreateCommand();
        await using (command.ConfigureAwait(false))
        {
            command.CommandText = $"SELECT sequence, body, request_id, session_id, at FROM records WHERE {store.IsAmongNumbers("sequence", "sequences")}";
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ("sequences", store.NumbersValue(sequences));
            command.Parameters.Add(parameter);
            var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync().ConfigureAwait(false))
                    records[Array.BinarySearch(sequences, reader.GetInt64(0))] = new Record(
                        reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2), reader.IsDBNull(3) ? null : reader.GetString(3), reader.GetInt64(4));
            }
        }

        var activities = new List<Activity>(places.Length);
        foreach (var place in places)
        {
            var finished = records[Array.BinarySearch(sequences, place.Finished)];
            if (finished.Body is not null)
                activities.Add(new Activity
                {
                    Position = place.Position,
                    RequestId = finished.RequestId,
                    Type = place.Type,
                    SessionId = finished.SessionId,
                    At = finished.At,
                    Begun = place.Begun is { } begun ? records[Array.BinarySearch(sequences, begun)].Body : null,
                    Body = finished.Body,
                });
        }
        return activities;
    }

    private readonly record struct Record(byte[] Body, byte[] RequestId, string? SessionId, long At);
}
