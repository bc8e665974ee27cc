using Demarc.Storage.Evidence;

namespace Demarc.Storage.Projections;

/// <summary>How far the log was followed.</summary>
internal sealed record Watermark
{
    public const string Select = "SELECT xact, sequence, position, ordered_at, lateness FROM watermarks WHERE name = 'records'";

    public required long Xact { get; init; }

    public required long Sequence { get; init; }

    /// <summary>The last activity's position.</summary>
    public required long Position { get; init; }

    /// <summary>The greatest time of an activity so far, Unix milliseconds.</summary>
    public required long OrderedAt { get; init; }

    /// <summary>The most that any activity's time was behind the greatest before it, milliseconds.</summary>
    public required long Lateness { get; init; }

    public LogPlace Place => new(Xact, Sequence);
}
