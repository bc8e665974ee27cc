using System.Text.Json;
using Dapper;

namespace Demarc.Storage.Evidence;

/// <summary>Which activities to read. Empty and null do not filter; times are Unix milliseconds.</summary>
public sealed record ActivitiesQuery
{
    public required string OrganizationId { get; init; }

    public string[] Types { get; init; } = [];

    public string[] ExcludedTypes { get; init; } = [];

    public string[] ActorIds { get; init; } = [];

    /// <summary>The earliest time, included.</summary>
    public long? From { get; init; }

    /// <summary>The latest time, not included.</summary>
    public long? To { get; init; }

    /// <summary>The next page in result order: below this position.</summary>
    public long? After { get; init; }

    /// <summary>The page before, towards the newest: above this position.</summary>
    public long? Before { get; init; }

    /// <summary>1 to 5000; the Activity Feed's default is 100.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>One activity: a request that finished, or an event.</summary>
public sealed record Activity
{
    /// <summary>Its place in the log's order, which is the feed's; from 1, without gaps over all organizations.</summary>
    public required long Position { get; init; }

    /// <summary>The request's or event's UUID, 16 big-endian bytes.</summary>
    public required byte[] RequestId { get; init; }

    /// <summary><c>demarc_inference</c>, <c>demarc_token_count</c>, or an event's own type.</summary>
    public required string Type { get; init; }

    public string? SessionId { get; init; }

    /// <summary>When the request finished or the event happened, Unix milliseconds.</summary>
    public required long At { get; init; }

    /// <summary>JSON of the begun record; null for an event.</summary>
    public byte[]? Begun { get; init; }

    /// <summary>JSON of the finished record, or of the event.</summary>
    public required byte[] Body { get; init; }
}

/// <summary>The activity feed.</summary>
public sealed class Activities
{
    private const int MaxArms = 20;

    private readonly Store _store;

    internal Activities(Store store) => _store = store;

    /// <summary>A page, newest first. Nothing can appear behind a position that was read.</summary>
    public async Task<Page<Activity>> ListAsync(ActivitiesQuery query)
    {
        var towardsNewest = query.Before != null;
        var order = towardsNewest ? "ASC" : "DESC";
        var parameters = new DynamicParameters(new
        {
            query.OrganizationId,
            types = JsonSerializer.Serialize(query.Types),
            excluded = JsonSerializer.Serialize(query.ExcludedTypes),
            actors = JsonSerializer.Serialize(query.ActorIds),
            query.From,
            query.To,
            query.After,
            query.Before,
        });
        // One arm a value, each a short walk along its own index, instead of one walk past all that does not match.
        var (column, index, values) = query.ActorIds.Length is > 0 and <= MaxArms ? ("actor_id", "activities_actor", query.ActorIds)
            : query.Types.Length is > 0 and <= MaxArms ? ("type", "activities_type", query.Types)
            : ("", "", []);
        var conditions = string.Join(" AND ", Conditions(query, column));
        string Arm(string condition, string from) =>
            $"""
            SELECT * FROM (
              SELECT position, request_id, type, session_id, at, begun, finished FROM {from}
              WHERE organization_id = @OrganizationId AND {condition}{conditions}
              ORDER BY position {order} LIMIT {query.Limit + 1}) AS arm
            """;
        var arms = values.Length == 0 ? Arm("", "activities") : string.Join(" UNION ALL ", values.Select((value, i) =>
        {
            parameters.Add($"value{i}", value);
            return Arm($"{column} = @value{i} AND ", _store.ByIndex("activities", index));
        }));

        var rows = await _store.QueryAsync<Activity>(
            $"""
            SELECT a.position, a.request_id, a.type, a.session_id, a.at, b.body AS begun, r.body
            FROM (SELECT * FROM ({arms}) AS arms ORDER BY position {order} LIMIT {query.Limit + 1}) AS a
            JOIN records r ON r.sequence = a.finished
            LEFT JOIN records b ON b.sequence = a.begun
            ORDER BY a.position {order}
            """,
            parameters).ConfigureAwait(false);
        return Page<Activity>.Cut(rows, query.Limit, towardsNewest);
    }

    /// <summary>The position of an activity by its request's or event's id; null when it is not on record.</summary>
    public Task<long?> PositionAsync(string organizationId, Guid requestId) =>
        _store.FindAsync<long?>(
            "SELECT position FROM activities WHERE request_id = @id AND organization_id = @organizationId ORDER BY position DESC LIMIT 1",
            new { id = requestId.ToByteArray(bigEndian: true), organizationId });

    private IEnumerable<string> Conditions(ActivitiesQuery query, string armColumn)
    {
        yield return "1 = 1";
        if (query.After != null)
            yield return "position < @After";
        if (query.Before != null)
            yield return "position > @Before";
        if (query.Types.Length > 0 && armColumn != "type")
            yield return $"type IN {_store.TextsOfJson("types")}";
        if (query.ExcludedTypes.Length > 0)
            yield return $"type NOT IN {_store.TextsOfJson("excluded")}";
        if (query.ActorIds.Length > 0 && armColumn != "actor_id")
            yield return $"actor_id IN {_store.TextsOfJson("actors")}";
        // Times follow positions but for a lateness that the projector knows, so a range of one bounds the other: seconds
        // give positions at or outside of both ends, and the exact time decides between them.
        if (query.From != null)
        {
            yield return "at >= @From";
            yield return """
                position >= coalesce((SELECT s.position FROM activity_seconds s
                  WHERE s.organization_id = @OrganizationId AND s.second <= @From / 1000 ORDER BY s.second DESC LIMIT 1), 0)
                """;
        }
        if (query.To != null)
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
