using System.Text.Json;
using Dapper;

namespace Demarc.Storage.Evidence;

/// <summary>
/// Reads one page of the feed, in a time that does not grow with it: first where its activities stand in the log, from indexes
/// alone, then their records. What is dense is found by a short walk along the positions, what is rare by short walks along an
/// index, one for each value.
/// </summary>
internal sealed class ActivityPage
{
    // Rows that the walk looks at: what is denser than a page in so many is found by it.
    private const int Walk = 20_000;

    // Of types that are rarer than this there are fewer rows than of most people.
    private const int Rare = 2000;

    // More values than fit into a request's address; SQLite takes 500 parts of a compound.
    private const int MaxArms = 400;

    // Rows of one value that are looked at, at least.
    private const int Least = 64;

    // Each index has all of these, so that no row of the table is looked up: of 5,000 of one person each is on a page of its own.
    private const string Columns = "position, type, begun, finished";

    private readonly Store _store;
    private readonly ActivitiesQuery _query;
    private readonly DynamicParameters _parameters;

    public ActivityPage(Store store, ActivitiesQuery query)
    {
        (_store, _query) = (store, query);
        _parameters = new DynamicParameters(new { query.OrganizationId, actors = JsonSerializer.Serialize(query.ActorIds), query.From, query.To });
    }

    private bool TowardsNewest => _query.Before != null;

    private string Order => TowardsNewest ? "ASC" : "DESC";

    // One more than fit tells whether there are more.
    private int Size => _query.Limit + 1;

    public async Task<Page<Activity>> ReadAsync()
    {
        await BoundAsync().ConfigureAwait(false);
        var places = await PlacesAsync().ConfigureAwait(false);
        var sequences = places.Select(p => p.Finished).Concat(places.Select(p => p.Begun).OfType<long>());
        var records = (await _store.QueryAsync<Record>(
            $"SELECT sequence, request_id, session_id, at, body FROM records WHERE sequence IN {_store.NumbersOfJson("sequences")}",
            new { sequences = JsonSerializer.Serialize(sequences) }).ConfigureAwait(false)).ToDictionary(r => r.Sequence);
        var page = places.Where(p => records.ContainsKey(p.Finished)).Select(p => Of(p, records[p.Finished], p.Begun is { } begun ? records.GetValueOrDefault(begun) : null));
        return Page<Activity>.Cut([.. page], _query.Limit, TowardsNewest);
    }

    private static Activity Of(Place place, Record finished, Record? begun) => new()
    {
        Position = place.Position,
        RequestId = finished.RequestId,
        Type = place.Type,
        SessionId = finished.SessionId,
        At = finished.At,
        Begun = begun?.Body,
        Body = finished.Body,
    };

    private async Task<Place[]> PlacesAsync()
    {
        // 1 types that there are, of those that are wanted
        var types = _query.Types;
        if (types.Length > 1 || _query.ExcludedTypes.Length > 0)
        {
            var present = await PresentAsync().ConfigureAwait(false);
            types = types.Length > 0 ? [.. present.Intersect(types)] : [.. present.Except(_query.ExcludedTypes)];
            if (types.Length == 0)
                return [];
        }
        _parameters.Add("types", JsonSerializer.Serialize(types));
        var (byType, actors) = (types.Length > 0, _query.ActorIds.Distinct().ToArray());
        var ofActors = actors.Length > 0 ? $" AND actor_id IN {_store.TextsOfJson("actors")}" : "";
        var ofTypes = byType ? $" AND type IN {_store.TextsOfJson("types")}" : "";

        // 2 no filter, or one value: a single walk
        if (!byType && actors.Length == 0)
            return await QueryAsync(Range("activities", "", Size)).ConfigureAwait(false);
        if (!byType && actors.Length == 1)
            return await QueryAsync(Merged(Arms("actor_id", "activities_actor", actors, "", Size))).ConfigureAwait(false);
        if (types.Length == 1 && actors.Length == 0)
            return await QueryAsync(Merged(Arms("type", "activities_type", types, "", Size))).ConfigureAwait(false);

        // 3 a walk along the positions, which is enough for what is dense
        var walked = await QueryAsync(
            $"""
            SELECT {Columns} FROM (SELECT {Columns}, actor_id FROM activities
              WHERE organization_id = @OrganizationId{Conditions()} ORDER BY position {Order} LIMIT {Math.Max(Walk, _query.Limit * 4)}) AS walked
            WHERE 1 = 1{ofActors}{ofTypes} ORDER BY position {Order} LIMIT {Size}
            """).ConfigureAwait(false);
        if (walked.Length == Size || Math.Max(types.Length, actors.Length) > MaxArms)
            return walked;

        // 4 a walk for each value of the filter that leaves the fewest rows to look at
        return actors.Length == 0 || (byType && await IsRareAsync(types).ConfigureAwait(false))
            ? await MergeAsync(each => Arms("type", "activities_type", types, ofActors, each), types.Length).ConfigureAwait(false)
            : await MergeAsync(each => Arms("actor_id", "activities_actor", actors, ofTypes, each), actors.Length).ConfigureAwait(false);
    }

    // Of each value no more than its share of the page, twice over; and more where one value has more of the page than that.
    private async Task<Place[]> MergeAsync(Func<int, string> arms, int values)
    {
        for (var each = Math.Max(Least, 2 * Size / values); each < Size; each *= 4)
        {
            var page = await QueryAsync(Merged(arms(each))).ConfigureAwait(false);
            var end = page.Length == Size ? Depth(page[^1].Position) : long.MaxValue;
            var read = await _store.QueryAsync<Arm>(
                $"SELECT count(*) AS count, {(TowardsNewest ? "max" : "min")}(position) AS last FROM ({arms(each)}) AS arms GROUP BY value", _parameters).ConfigureAwait(false);
            if (read.All(arm => arm.Count < each || Depth(arm.Last) >= end))
                return page;
        }
        return await QueryAsync(Merged(arms(Size))).ConfigureAwait(false);
    }

    // Rises in the order of the page.
    private long Depth(long position) => TowardsNewest ? position : -position;

    private Task<Place[]> QueryAsync(string sql) => _store.QueryAsync<Place>(sql, _parameters);

    private string Range(string from, string more, int limit) =>
        $"""
        SELECT {Columns} FROM {from}
        WHERE organization_id = @OrganizationId{more}{Conditions()}
        ORDER BY position {Order} LIMIT {limit}
        """;

    private string Arms(string column, string index, string[] values, string more, int each)
    {
        for (var i = 0; i < values.Length; i++)
            _parameters.Add($"value{i}", values[i]);
        var from = _store.ByIndex("activities", index);
        return string.Join(" UNION ALL ", values.Select((_, i) => $"SELECT {i} AS value, {Columns} FROM ({Range(from, $" AND {column} = @value{i}{more}", each)}) AS arm"));
    }

    private string Merged(string arms) => $"SELECT {Columns} FROM ({arms}) AS arms ORDER BY position {Order} LIMIT {Size}";

    /// <summary>The types of which there are activities: from each to the next along the index, not past all rows of it.</summary>
    private Task<string[]> PresentAsync() => _store.QueryAsync<string>(
        """
        WITH RECURSIVE present (type) AS (
          SELECT (SELECT a.type FROM activities a WHERE a.organization_id = @OrganizationId ORDER BY a.type LIMIT 1)
          UNION ALL
          SELECT (SELECT a.type FROM activities a WHERE a.organization_id = @OrganizationId AND a.type > present.type ORDER BY a.type LIMIT 1)
          FROM present WHERE present.type IS NOT NULL)
        SELECT type FROM present WHERE type IS NOT NULL
        """,
        new { _query.OrganizationId });

    private async Task<bool> IsRareAsync(string[] types)
    {
        var left = Rare;
        foreach (var type in types)
        {
            left -= (int)await _store.FindAsync<long>(
                $"SELECT count(*) FROM (SELECT 1 FROM {_store.ByIndex("activities", "activities_type")} WHERE organization_id = @OrganizationId AND type = @type LIMIT {left + 1}) AS counted",
                new { _query.OrganizationId, type }).ConfigureAwait(false);
            if (left < 0)
                return false;
        }
        return true;
    }

    // Times follow positions but for a lateness that the projector knows, so a range of one bounds the other: seconds
    // give positions at or outside of both ends, and the exact time decides between them. Cursor and time become one bound at each
    // end: of two SQLite walks along the first.
    private async Task BoundAsync()
    {
        var (first, end) = ((_query.Before ?? 0) + 1, _query.After ?? long.MaxValue);
        if (_query.From != null)
            first = Math.Max(first, await _store.FindAsync<long?>(
                "SELECT position FROM activity_seconds WHERE organization_id = @OrganizationId AND second <= @From / 1000 ORDER BY second DESC LIMIT 1", _parameters).ConfigureAwait(false) ?? 0);
        if (_query.To != null)
            end = Math.Min(end, await _store.FindAsync<long?>(
                """
                SELECT position FROM activity_seconds WHERE organization_id = @OrganizationId
                  AND second > (@To + (SELECT lateness FROM watermarks WHERE name = 'records')) / 1000 ORDER BY second LIMIT 1
                """,
                _parameters).ConfigureAwait(false) ?? long.MaxValue);
        _parameters.Add("first", first);
        _parameters.Add("end", end);
    }

    private string Conditions() =>
        $" AND position >= @first AND position < @end{(_query.From == null ? "" : " AND at >= @From")}{(_query.To == null ? "" : " AND at < @To")}";

    /// <summary>Where an activity stands.</summary>
    private sealed record Place
    {
        public required long Position { get; init; }

        public required string Type { get; init; }

        public long? Begun { get; init; }

        public required long Finished { get; init; }
    }

    // Not by position: of no rows SQLite gives no types.
    private sealed record Arm
    {
        public required long Count { get; init; }

        public required long Last { get; init; }
    }

    private sealed record Record
    {
        public required long Sequence { get; init; }

        public required byte[] RequestId { get; init; }

        public string? SessionId { get; init; }

        public required long At { get; init; }

        public required byte[] Body { get; init; }
    }
}
