namespace Demarc.Storage.Ledger;

/// <summary>What a report tells apart.</summary>
[Flags]
public enum SpendDimensions
{
    None = 0,
    Principal = 1,
    Key = 2,
    Workspace = 4,
    Project = 8,
    Platform = 16,
    Resource = 32,
    Deployment = 64,
    Model = 128,
    Surface = 256,
    ServiceTier = 512,
    Speed = 1024,
    InferenceGeo = 2048,
    ContextWindow = 4096,
}

/// <summary>How a report cuts time. Buckets begin at whole minutes, hours and days in UTC.</summary>
public enum SpendBucket
{
    /// <summary>The range as one.</summary>
    Whole,

    Day,
    Hour,

    /// <summary>From the ledger's rows rather than from totals: for ranges of a day at most.</summary>
    Minute,
}

/// <summary>Which spend to report.</summary>
/// <param name="From">The first instant, at the start of a bucket; of an hour for <see cref="SpendBucket.Whole"/>.</param>
/// <param name="To">The first instant behind, likewise.</param>
public sealed record SpendQuery(string OrganizationId, DateTimeOffset From, DateTimeOffset To, SpendBucket Bucket = SpendBucket.Whole)
{
    public SpendDimensions By { get; init; }

    /// <summary>Values that count, by dimension (<see cref="SpendDimensions.Principal"/> by id); a dimension that is not named is not filtered.</summary>
    public IReadOnlyDictionary<SpendDimensions, string[]> Only { get; init; } = new Dictionary<SpendDimensions, string[]>();
}
