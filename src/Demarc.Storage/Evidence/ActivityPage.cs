using System.Text.Json;
using Dapper;

namespace Demarc.Storage.Evidence;

/// <summary>
/// Reads one page of the feed, in a time that does not grow with it: what is dense is found by a short walk along the
/// positions, what is rare by short walks along an index, one for each value.
/// </summary>
internal sealed class ActivityPage
{
    // Rows that the walk looks at: what is denser than a page in so many is found by it.
    private const int Walk = 20_000;

    // Of types that are rarer than this there are fewer rows than of most people.
    private const int Rare = 2000;

    // More values than fit into a request's address; SQLite takes 500 parts of a compound.
    private const int MaxArms = 400;

    private readonly Store _store;
    private readonly ActivitiesQuery _query;
    private readonly DynamicParameters _parameters;

    public ActivityPage(Store store, ActivitiesQuery query)
    {
        (_store, _query) = (store, query);
        _parameters = new DynamicParameters(new { query.OrganizationId, actors = JsonSerializer.Serialize(query.ActorIds), query.From, query.To, query.After, query.Before });
    }

    private bool TowardsNewest => _query.Before != null;

    private string Order => TowardsNewest ? "ASC" : "DESC";

    public async Task<Page<Activity>> ReadAsync()
    {
        // 1 types that there are, of those that are wanted
        var types = _query.Types;
        if (types.Length > 1 || _query.ExcludedTypes.Length > 0)
        {
            var present = await PresentAsync().ConfigureAwait(false);
            types = types.Length > 0 ? [.. present.Intersect(types)] : [.. present.Except(_query.ExcludedTypes)];
            if (types.Length == 0)
                return new Page<Activity>([], false);
        }
        _parameters.Add("types", JsonSerializer.Serialize(types));
        var (byType, actors) = (types.Length > 0, _query.ActorIds.Distinct().ToArray());
        var ofActors = actors.Length > 0 ? $" AND actor_id IN {_store.TextsOfJson("actors")}" : "";
        var ofTypes = byType ? $" AND type IN {_store.TextsOfJson("types")}" : "";

        // 2 no filter, or one value: a single walk
        if (!byType && actors.Length == 0)
            return await PageAsync(Range("activities", "")).ConfigureAwait(false);
        if (!byType && actors.Length == 1)
            return await PageAsync(Arms("actor_id", "activities_actor", actors, "")).ConfigureAwait(false);
        if (types.Length == 1 && actors.Length == 0)
            return await PageAsync(Arms("type", "activities_type", types, "")).ConfigureAwait(false);

        // 3 a walk along the positions, which is enough for what is dense
        var walked = await PageAsync(
            $"""
            SELECT position FROM (SELECT position, type, actor_id FROM activities
              WHERE organization_id = @OrganizationId{Conditions()} ORDER BY position {Order} LIMIT {Math.Max(Walk, _query.Limit * 20)}) AS walked
            WHERE 1 = 1{ofActors}{ofTypes} ORDER BY position {Order} LIMIT {_query.Limit + 1}
            """).ConfigureAwait(false);
        if (walked.HasMore || Math.Max(types.Length, actors.Length) > MaxArms)
            return walked;

        // 4 a walk for each value of the filter that leaves the fewest rows to look at
        var arms = actors.Length == 0 || (byType && await IsRareAsync(types).ConfigureAwait(false))
            ? Arms("type", "activities_type", types, ofActors)
            : Arms("actor_id", "activities_actor", actors, ofTypes);
        return await PageAsync(arms).ConfigureAwait(false);
    }

    /// <summary>The page of a query for its positions, one more than fit: only of those the rows and their records are read.</summary>
    private async Task<Page<Activity>> PageAsync(string positions)
    {
        // Written as cross joins, which SQLite does not put in another order: without statistics it would read the whole log first.
        var page = await _store.QueryAsync<Activity>(
            $"""
            SELECT a.position, a.request_id, a.type, a.session_id, a.at, b.body AS begun, r.body
            FROM ({positions}) AS p CROSS JOIN activities a CROSS JOIN records r LEFT JOIN records b ON b.sequence = a.begun
            WHERE a.organization_id = @OrganizationId AND a.position = p.position AND r.sequence = a.finished
            ORDER BY a.position {Order}
            """,
            _parameters).ConfigureAwait(false);
        return Page<Activity>.Cut(page, _query.Limit, TowardsNewest);
    }

    private string Range(string from, string more) =>
        $"""
        SELECT position FROM {from}
        WHERE organization_id = @OrganizationId{more}{Conditions()}
        ORDER BY position {Order} LIMIT {_query.Limit + 1}
        """;

    private string Arms(string column, string index, string[] values, string more)
    {
        for (var i = 0; i < values.Length; i++)
            _parameters.Add($"value{i}", values[i]);
        var from = _store.ByIndex("activities", index);
        var arms = string.Join(" UNION ALL ", values.Select((_, i) => $"SELECT * FROM ({Range(from, $" AND {column} = @value{i}{more}")}) AS arm"));
        return $"SELECT * FROM ({arms}) AS arms ORDER BY position {Order} LIMIT {_query.Limit + 1}";
    }

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

    private string Conditions() => string.Concat(Bounds().Select(c => " AND " + c));

    private IEnumerable<string> Bounds()
    {
        if (_query.After != null)
            yield return "position < @After";
        if (_query.Before != null)
            yield return "position > @Before";
        // Times follow positions but for a lateness that the projector knows, so a range of one bounds the other: seconds
        // give positions at or outside of both ends, and the exact time decides between them.
        if (_query.From != null)
        {
            yield return "at >= @From";
            yield return """
                position >= coalesce((SELECT s.position FROM activity_seconds s
                  WHERE s.organization_id = @OrganizationId AND s.second <= @From / 1000 ORDER BY s.second DESC LIMIT 1), 0)
                """;
        }
        if (_query.To != null)
        {
            yield return "at < @To";
            yield return """
                position < coalesce((SELECT s.position FROM activity_seconds s
                  WHERE s.organization_id = @OrganizationId AND s.second > (@To + (SELECT lateness FROM watermarks WHERE name = 'records')) / 1000
                  ORDER BY s.second LIMIT 1), 9223372036854775807)
                """;
        }
    }
}
