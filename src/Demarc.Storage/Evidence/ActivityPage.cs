using System.Data.Common;
using System.Text.Json;
using Dapper;

namespace Demarc.Storage.Evidence;

/// <summary>
/// Reads one page of the feed, in a time that does not grow with it: first where its activities stand in the log, from indexes
/// alone, then their records. What is dense is found by a short walk along the positions, what is rare by short walks along an
/// index, one for each value.
/// </summary>
internal sealed class ActivityPage : IAsyncDisposable
{
    // Rows that the walk looks at: what is denser than a page in so many is found by it.
    private const int Walk = 20_000;

    // Rows that tell how dense it is where the page begins.
    private const int Sample = 1000;

    // Of types that are rarer than this there are fewer rows than of most people.
    private const int Rare = 2000;

    // More values than fit into a request's address; SQLite takes 500 parts of a compound.
    private const int MaxArms = 400;

    private const int FewArms = 20;

    // Rows of one value that are looked at beyond its share of the page.
    private const int Least = 16;

    // Each index has all of these, so that no row of the table is looked up: of 5,000 of one person each is on a page of its own.
    private const string Columns = "position, type, begun, finished";

    private static readonly JsonSerializerOptions Lower = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Store _store;
    private readonly DbConnection _connection;
    private readonly ActivitiesQuery _query;
    private readonly DynamicParameters _parameters;

    private ActivityPage(Store store, DbConnection connection, ActivitiesQuery query)
    {
        (_store, _connection, _query) = (store, connection, query);
        _parameters = new DynamicParameters(new { query.OrganizationId, actors = JsonSerializer.Serialize(query.ActorIds), query.From, query.To });
    }

    private bool TowardsNewest => _query.Before != null;

    private string Order => TowardsNewest ? "ASC" : "DESC";

    // How many are still to be found. One more than fit tells whether there are more.
    private int Size { get; set; }

    // Whether the span of positions that is read may have activities outside of the time that is asked for.
    private bool IsEdge { get; set; }

    public static async Task<Page<Activity>> ReadAsync(Store store, ActivitiesQuery query)
    {
        // One connection for all of it, as opening one waits for what was recorded last.
        var page = new ActivityPage(store, await store.OpenReadAsync().ConfigureAwait(false), query);
        await using (page.ConfigureAwait(false))
            return await page.ReadAsync().ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task<Page<Activity>> ReadAsync()
    {
        var places = new List<ActivityPlace>();
        foreach (var (first, end, isEdge) in await SpansAsync().ConfigureAwait(false))
        {
            (Size, IsEdge) = (_query.Limit + 1 - places.Count, isEdge);
            _parameters.Add("first", first);
            _parameters.Add("end", end);
            places.AddRange(await PlacesAsync().ConfigureAwait(false));
            if (places.Count > _query.Limit)
                break;
        }
        return Page<Activity>.Cut(await ActivityRecords.ReadAsync(_store, _connection, [.. places]).ConfigureAwait(false), _query.Limit, TowardsNewest);
    }

    private async Task<ActivityPlace[]> PlacesAsync()
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
            return await PlacesAsync(Range("activities", "", Size)).ConfigureAwait(false);
        if (!byType && actors.Length == 1)
            return await MergeAsync("actor_id", "activities_actor", actors, "").ConfigureAwait(false);
        if (types.Length == 1 && actors.Length == 0)
            return await MergeAsync("type", "activities_type", types, "").ConfigureAwait(false);

        // 3 a walk along the positions, which is enough for what is dense
        var walk = Math.Max(Walk, _query.Limit * 4);
        var hasArms = Math.Max(types.Length, actors.Length) <= MaxArms;
        var sample = hasArms ? await WalkAsync(Sample, ofActors + ofTypes).ConfigureAwait(false) : [];
        if (sample.Length == Size)
            return sample;
        if (!hasArms || sample.Length * walk >= Size * Sample)
        {
            var walked = await WalkAsync(walk, ofActors + ofTypes).ConfigureAwait(false);
            if (walked.Length == Size || !hasArms)
                return walked;
        }

        // 4 a walk for each value of the filter that leaves the fewest rows to look at
        return actors.Length == 0 || (byType && await IsRareAsync(types).ConfigureAwait(false))
            ? await MergeAsync("type", "activities_type", types, ofActors).ConfigureAwait(false)
            : await MergeAsync("actor_id", "activities_actor", actors, ofTypes).ConfigureAwait(false);
    }

    private Task<ActivityPlace[]> WalkAsync(int rows, string wanted) => PlacesAsync(
        $"""
        SELECT {Columns} FROM (SELECT {Columns}, actor_id FROM activities
          WHERE organization_id = @OrganizationId{Conditions()} ORDER BY position {Order} LIMIT {rows}) AS walked
        WHERE 1 = 1{wanted} ORDER BY position {Order} LIMIT {Size}
        """);

    // Of each value a little more than its share of the page; and more of those that have more of the page than that.
    private async Task<ActivityPlace[]> MergeAsync(string column, string index, string[] values, string more)
    {
        var found = new List<ActivityPlace>();
        var arms = values.Select((value, i) => new Arm(i, value, null)).ToArray();
        for (var each = Math.Min(Size, (Size * 5 / (4 * values.Length)) + Least); ; each = Math.Min(Size, each * 4))
        {
            var read = await PlacesAsync(Merged(column, index, arms, more, each)).ConfigureAwait(false);
            found.AddRange(read);
            found.Sort((a, b) => Depth(a).CompareTo(Depth(b)));
            if (found.Count > Size)
                found.RemoveRange(Size, found.Count - Size);
            var end = found.Count == Size ? Depth(found[^1]) : long.MaxValue;
            var last = read.GroupBy(p => p.Value).Where(arm => arm.Count() == each).Select(arm => arm.MaxBy(Depth)!).Where(p => Depth(p) < end).ToArray();
            if (last.Length == 0)
                return [.. found];
            arms = Array.ConvertAll(last, p => new Arm(p.Value, values[p.Value], p.Position));
        }
    }

    private string Merged(string column, string index, Arm[] arms, string more, int each)
    {
        var (from, behind) = (_store.ByIndex("activities", index), TowardsNewest ? ">" : "<");
        // Of hundreds of people the plan alone would take tens of milliseconds. Of types, some of which have a thousand times as many rows as
        // others, it has to know the value.
        if (_store.HasLateral && column == "actor_id" && arms.Length > FewArms)
        {
            _parameters.Add("arms", JsonSerializer.Serialize(arms, Lower));
            var wanted = $" AND {column} = wanted{more} AND position {behind} coalesce(past, {(TowardsNewest ? "0" : "@end")})";
            return $"""
                SELECT number AS value, arm.* FROM json_to_recordset(@arms::json) AS arms (number bigint, wanted text COLLATE "C", past bigint)
                CROSS JOIN LATERAL ({Range(from, wanted, each)}) AS arm
                """;
        }
        foreach (var arm in arms)
        {
            _parameters.Add($"value{arm.Number}", arm.Wanted);
            _parameters.Add($"past{arm.Number}", arm.Past);
        }
        return string.Join(" UNION ALL ", arms.Select(arm =>
            $"SELECT {arm.Number} AS value, {Columns} FROM ({Range(from, $" AND {column} = @value{arm.Number}{more}{(arm.Past is null ? "" : $" AND position {behind} @past{arm.Number}")}", each)}) AS arm"));
    }

    // Rises in the order of the page.
    private long Depth(ActivityPlace place) => TowardsNewest ? place.Position : -place.Position;

    private async Task<ActivityPlace[]> PlacesAsync(string sql) => [.. await _connection.QueryAsync<ActivityPlace>(sql, _parameters).ConfigureAwait(false)];

    private string Range(string from, string more, int limit) =>
        $"""
        SELECT {Columns} FROM {from}
        WHERE organization_id = @OrganizationId{more}{Conditions()}
        ORDER BY position {Order} LIMIT {limit}
        """;

    /// <summary>The types of which there are activities: from each to the next along the index, not past all rows of it.</summary>
    private async Task<string[]> PresentAsync() => [.. await _connection.QueryAsync<string>(
        """
        WITH RECURSIVE present (type) AS (
          SELECT (SELECT a.type FROM activities a WHERE a.organization_id = @OrganizationId ORDER BY a.type LIMIT 1)
          UNION ALL
          SELECT (SELECT a.type FROM activities a WHERE a.organization_id = @OrganizationId AND a.type > present.type ORDER BY a.type LIMIT 1)
          FROM present WHERE present.type IS NOT NULL)
        SELECT type FROM present WHERE type IS NOT NULL
        """,
        _parameters).ConfigureAwait(false)];

    private async Task<bool> IsRareAsync(string[] types)
    {
        var left = Rare;
        foreach (var type in types)
        {
            left -= (int)await _connection.QueryFirstAsync<long>(
                $"SELECT count(*) FROM (SELECT 1 FROM {_store.ByIndex("activities", "activities_type")} WHERE organization_id = @OrganizationId AND type = @type LIMIT {left + 1}) AS counted",
                new { _query.OrganizationId, type }).ConfigureAwait(false);
            if (left < 0)
                return false;
        }
        return true;
    }

    /// <summary>
    /// Positions from first to before end, in the order of the page. Times follow positions but for a lateness that the projector knows, so
    /// that seconds give positions within and outside of each end of a time; between these, at the edges, the exact time decides,
    /// which no index has. Cursor and time are one bound: of two SQLite walks along the first.
    /// </summary>
    private async Task<IEnumerable<(long First, long End, bool IsEdge)>> SpansAsync()
    {
        const string Late = "(SELECT lateness FROM watermarks WHERE name = 'records')";
        var (first, end) = ((_query.Before ?? 0) + 1, _query.After ?? long.MaxValue);
        var (surely, until) = (first, end);
        if (_query.From != null)
        {
            first = Math.Max(first, await SecondAsync("second <= @From / 1000 ORDER BY second DESC").ConfigureAwait(false) ?? 0);
            surely = await SecondAsync($"second >= (@From + {Late} + 999) / 1000 ORDER BY second").ConfigureAwait(false) ?? long.MaxValue;
        }
        if (_query.To != null)
        {
            end = Math.Min(end, await SecondAsync($"second > (@To + {Late}) / 1000 ORDER BY second").ConfigureAwait(false) ?? long.MaxValue);
            until = await SecondAsync("second <= @To / 1000 ORDER BY second DESC").ConfigureAwait(false) ?? 0;
        }
        (surely, until) = (Math.Max(first, surely), Math.Min(end, until));
        if (surely >= until)
            return [(first, end, true)];
        var spans = new[] { (first, surely, true), (surely, until, false), (until, end, true) }.Where(s => s.Item1 < s.Item2);
        return TowardsNewest ? spans : spans.Reverse();
    }

    private Task<long?> SecondAsync(string where) => FindAsync($"SELECT position FROM activity_seconds WHERE organization_id = @OrganizationId AND {where} LIMIT 1");

    private Task<long?> FindAsync(string sql) => _connection.QueryFirstOrDefaultAsync<long?>(sql, _parameters);

    private string Conditions() =>
        $" AND position >= @first AND position < @end{(!IsEdge || _query.From == null ? "" : " AND at >= @From")}{(!IsEdge || _query.To == null ? "" : " AND at < @To")}";

    /// <summary>One value of a filter.</summary>
    /// <param name="Past">How far it was read already.</param>
    private sealed record Arm(long Number, string Wanted, long? Past);
}
