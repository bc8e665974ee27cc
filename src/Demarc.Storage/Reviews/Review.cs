namespace Demarc.Storage.Reviews;

/// <summary>Access to captured content, asked for by one and decided by another: <c>review_…</c>.</summary>
public sealed record Review
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary><c>user</c>, <c>group</c>, <c>session</c>, <c>organization</c>; or <c>key</c>: a compliance key that reads without a review.</summary>
    public required string Scope { get; init; }

    public required string ScopeId { get; init; }

    /// <summary>The first moment whose content is opened, Unix milliseconds; null for from the beginning.</summary>
    public long? FromAt { get; init; }

    /// <summary>The first moment whose content is not opened any more; null for without end.</summary>
    public long? ToAt { get; init; }

    /// <summary>One of <see cref="ReasonCodes"/>.</summary>
    public required string ReasonCode { get; init; }

    /// <summary>In the words of who asked.</summary>
    public required string Reason { get; init; }

    /// <summary>Who reads: <c>user_…</c> or <c>svac_…</c>, with a compliance key of theirs.</summary>
    public required string ReaderId { get; init; }

    /// <summary>How long it is open once it is approved.</summary>
    public required long Hours { get; init; }

    /// <summary><c>pending</c>, <c>approved</c>, <c>denied</c> or <c>revoked</c>; see <see cref="StatusAt"/>.</summary>
    public required string Status { get; init; }

    /// <summary>Unix milliseconds, as are the other times.</summary>
    public required long RequestedAt { get; init; }

    public required string RequestedBy { get; init; }

    public long? DecidedAt { get; init; }

    public string? DecidedBy { get; init; }

    /// <summary>When it closes by itself; null until it is approved.</summary>
    public long? ExpiresAt { get; init; }

    /// <summary>Why content is opened; a closed set, so that reports can count by it.</summary>
    public static readonly string[] ReasonCodes = ["security_incident", "legal_request", "workplace_investigation", "data_subject_request", "support", "quality", "audit"];

    public static readonly string[] Scopes = ["user", "group", "session", "organization", "key"];

    /// <summary>The longest that a review is open: a week; an exemption of a key, 90 days.</summary>
    public static int MostHours(string scope) => scope == "key" ? 90 * 24 : 7 * 24;

    /// <summary>The status at a moment: <c>expired</c> too.</summary>
    public string StatusAt(long now) => Status == "approved" && ExpiresAt <= now ? "expired" : Status;

    /// <summary>Whether content of a session can be opened under it at all.</summary>
    /// <param name="members">Who is in its group now.</param>
    public bool Covers(string principalId, string sessionId, long first, long last, IReadOnlySet<string> members) =>
        !(last < FromAt) && !(first >= ToAt) && Scope switch
        {
            "user" => ScopeId == principalId,
            "group" => members.Contains(principalId),
            "session" => ScopeId == sessionId,
            "organization" => true,
            _ => false,
        };
}

/// <summary>What is asked for; see <see cref="Review"/>.</summary>
public sealed record NewReview(string Scope, string ScopeId, string ReasonCode, string Reason, string ReaderId, int Hours, long? FromAt = null, long? ToAt = null);
