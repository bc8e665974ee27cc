namespace Demarc.Storage.Directory;

/// <summary>An alias that is data rather than configuration.</summary>
/// <param name="Targets"><c>resource/deployment</c>, in order.</param>
/// <param name="Staged">Where a share of the sessions goes already; null for none.</param>
/// <param name="Previous">The targets before they last changed, which a rollback goes back to; null for a new alias.</param>
/// <param name="MovedAt">Unix milliseconds of the last change.</param>
/// <param name="MovedBy">Id of the actor.</param>
public sealed record StoredAlias(
    string OrganizationId, string Name, string[] Targets, StoredStage? Staged, string[]? Previous, long MovedAt, string MovedBy);

/// <summary>Targets that a share of the sessions is sent to.</summary>
/// <param name="PerMille">The share, 1 to 999.</param>
public sealed record StoredStage(string[] Targets, int PerMille);

/// <summary>What came of changing an alias.</summary>
public enum AliasOutcome
{
    Done,

    /// <summary>There is no such alias.</summary>
    Absent,

    /// <summary>Somebody changed it after it was looked at.</summary>
    ChangedMeanwhile,

    /// <summary>It is not staged, and so cannot be promoted.</summary>
    NothingStaged,

    /// <summary>It has only ever stood for what it stands for now.</summary>
    NothingBefore,
}
