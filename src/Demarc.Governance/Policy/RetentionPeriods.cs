namespace Demarc.Governance.Policy;

/// <summary>How long each class of what is kept is kept; null where nothing is said.</summary>
/// <param name="Transcripts">Captured content and the sessions it is of; <see cref="DefaultTranscripts"/> where nobody says otherwise.</param>
/// <param name="Activities">The records of the log, <see cref="LeastActivities"/> at least; for good where nobody says otherwise.</param>
/// <param name="Ledger">What was spent, call by call and in totals; for good where nobody says otherwise.</param>
/// <param name="Identities">Inactive people, and sign-ins that have ended; for good where nobody says otherwise.</param>
public sealed record RetentionPeriods(TimeSpan? Transcripts = null, TimeSpan? Activities = null, TimeSpan? Ledger = null, TimeSpan? Identities = null)
{
    public static readonly RetentionPeriods None = new();

    public static readonly TimeSpan DefaultTranscripts = TimeSpan.FromDays(180);

    /// <summary>The least that activities are kept: a report for the last half-year has all of it.</summary>
    public static readonly TimeSpan LeastActivities = TimeSpan.FromDays(180);

    /// <summary>Of each class the shorter of both.</summary>
    public RetentionPeriods Shortest(RetentionPeriods other) => new(
        Shorter(Transcripts, other.Transcripts), Shorter(Activities, other.Activities), Shorter(Ledger, other.Ledger), Shorter(Identities, other.Identities));

    private static TimeSpan? Shorter(TimeSpan? one, TimeSpan? other) => one is null ? other : other is null || one < other ? one : other;
}
