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
    private readonly Store _store;

    internal Activities(Store store) => _store = store;

    /// <summary>A page, newest first. Nothing can appear behind a position that was read.</summary>
    public Task<Page<Activity>> ListAsync(ActivitiesQuery query) => ActivityPage.ReadAsync(_store, query);

    /// <summary>The position of an activity by its request's or event's id; null when it is not on record.</summary>
    public Task<long?> PositionAsync(string organizationId, Guid requestId) =>
        _store.FindAsync<long?>(
            "SELECT position FROM activities WHERE request_id = @id AND organization_id = @organizationId ORDER BY position DESC LIMIT 1",
            new { id = requestId.ToByteArray(bigEndian: true), organizationId });
}
