using Demarc.Governance;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Retention;

/// <summary>From when on a session's content is shown: what is older is past its retention, whether or not a sweep has come by since.</summary>
public sealed class RetentionBoundary(Store store, ISnapshotSource snapshots)
{
    /// <summary>The boundaries of an organization's sessions as of a moment, Unix milliseconds. Zero for a session that is held.</summary>
    public async Task<Func<Session, long>> OfAsync(string organizationId, long now)
    {
        var snapshot = snapshots.Current;
        var holds = await HoldsInForce.LoadAsync(store, organizationId);
        // Who somebody is to the policies matters only where some of them keep transcripts of some for less.
        var roster = Array.Exists(snapshot.Policies, p => !p.IsForEveryone && p.Retention.Transcripts is not null) ? await Roster.LoadAsync(store, organizationId) : null;
        var all = Shorter(snapshot.RetentionOfAll.Transcripts ?? RetentionPeriods.DefaultTranscripts, snapshot.RetentionOfAll.Activities);
        return session => holds.On(session.PrincipalId, session.Id, session.CreatedAt, session.LastAt) is not null ? 0 : now - (long)(roster is null
            ? all
            : snapshot.TranscriptsKept(roster.Of(organizationId, session.PrincipalType, session.PrincipalId, session.WorkspaceId, session.ProjectId))).TotalMilliseconds;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan? other) => other < one ? other.Value : one;
}
