namespace Demarc.Storage.Evidence;

/// <summary>A place in the log's order. <c>Xact</c> is PostgreSQL's transaction, 0 on SQLite.</summary>
internal readonly record struct LogPlace(long Xact, long Sequence) : IComparable<LogPlace>
{
    public int CompareTo(LogPlace other) => (Xact, Sequence).CompareTo((other.Xact, other.Sequence));
}

/// <summary>A row of the log as projections read it: all but its content.</summary>
internal sealed record LogRow
{
    public required long Xact { get; init; }

    public required long Sequence { get; init; }

    public required string OrganizationId { get; init; }

    public required long Kind { get; init; }

    public required byte[] RequestId { get; init; }

    public string? SessionId { get; init; }

    public required long At { get; init; }

    public required byte[] Body { get; init; }

    /// <summary>What <see cref="Body"/> holds, for a row that this process wrote; null for one read from the store.</summary>
    public object? Document { get; init; }

    /// <summary>1 when the row has content.</summary>
    public required long Captured { get; init; }

    public LogPlace Place => new(Xact, Sequence);
}
