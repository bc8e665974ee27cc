namespace Demarc.Governance.Evidence;

/// <summary>One finished request of a session, as a transcript is assembled from it.</summary>
public sealed record TranscriptRequest
{
    public required Guid Id { get; init; }

    /// <summary>When it began, Unix milliseconds: the time of every message it brought.</summary>
    public required long At { get; init; }

    /// <summary>The opened <see cref="CapturedContent"/>; empty when there is none to open.</summary>
    public ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>Why there is no content: <see cref="UnavailableReason.NotCaptured"/> or <see cref="UnavailableReason.RetentionElapsed"/>.</summary>
    public string Unavailable { get; init; } = UnavailableReason.NotCaptured;

    /// <summary>Whether an answer came, so that one without content still shows that there was one.</summary>
    public bool Answered { get; init; }
}

/// <summary>Reasons of <c>content_unavailable</c> (Compliance API, "Retrieve a local session transcript").</summary>
public static class UnavailableReason
{
    public const string NotCaptured = "not_captured";
    public const string RetentionElapsed = "retention_elapsed";
    public const string Oversize = "oversize";
}
