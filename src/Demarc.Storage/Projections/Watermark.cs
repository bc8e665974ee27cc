using Demarc.Storage.Evidence;

namespace Demarc.Storage.Projections;

/// <summary>How far the log was followed.</summary>
internal sealed record Watermark
{
    /// <summary>By <c>@name</c>: <c>records</c>, or <c>leaves</c> for the evidence trees.</summary>
    public const string Select = "SELECT xact, sequence, position, ordered_at, lateness FROM watermarks WHERE name = @name";

    public required long Xact { get; init; }

    public required long Sequence { get; init; }

    /// <summary>The last activity's position.</summary>
    public required long Position { get; init; }

    /// <summary>The greatest time of an activity so far, Unix milliseconds.</summary>
    public required long OrderedAt { get; init; }

    /// <summary>The most that any activity's time was behind the greatest before it, milliseconds.</summary>
    public required long Lateness { get; init; }

    public LogPlace Place => new(Xact, Sequence);

    /// <summary>Moves the watermark on from here.</summary>
    /// <exception cref="StoreException">It is elsewhere: a leader that was replaced without noticing ends here, with nothing written.</exception>
    public async Task MoveAsync(StoreTransaction transaction, string name, Watermark to)
    {
        var moved = await transaction.ExecuteAsync(
            """
            UPDATE watermarks SET xact = @Xact, sequence = @Sequence, position = @Position, ordered_at = @OrderedAt, lateness = @Lateness
            WHERE name = @name AND xact = @fromXact AND sequence = @fromSequence
            """,
            new { name, to.Xact, to.Sequence, to.Position, to.OrderedAt, to.Lateness, fromXact = Xact, fromSequence = Sequence }).ConfigureAwait(false);
        if (moved == 0)
            throw new StoreException("Another process has moved the watermark of the log.");
    }
}
