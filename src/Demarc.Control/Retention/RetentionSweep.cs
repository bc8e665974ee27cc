using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Storage.Retention;

namespace Demarc.Control.Retention;

/// <summary>What a sweep destroyed, or would destroy. Days are the first that stay; null where the class is kept for good.</summary>
public sealed record SweepReport
{
    /// <summary>Sessions of which something was past its retention.</summary>
    public long Sessions { get; set; }

    /// <summary>What of them was destroyed; nothing in a dry run.</summary>
    public Erased Transcripts { get; set; } = new();

    /// <summary>When the first of these sessions began, Unix milliseconds.</summary>
    public long? OldestSession { get; set; }

    /// <summary>Sessions that were due and are held.</summary>
    public long SessionsHeld { get; set; }

    public DateOnly? ActivitiesBefore { get; set; }

    public long Records { get; set; }

    public long RecordsHeld { get; set; }

    public DateOnly? LedgerBefore { get; set; }

    public long LedgerRows { get; set; }

    public DateOnly? IdentitiesBefore { get; set; }

    public long People { get; set; }

    public long SignIns { get; set; }

    public TimeSpan Took { get; set; }

    public bool IsEmpty => Sessions + Records + LedgerRows + People + SignIns == 0;
}

/// <summary>
/// Destroys what is past its retention, class by class, but for what is held. A UTC day goes as a whole, once all of it is past.
/// What it did is an event of the log. Interrupted, or run by two at once, it destroys nothing twice and nothing else.
/// </summary>
public sealed class RetentionSweep(Store store, ErasureJournal journal)
{
    private const int SessionsAtOnce = 500;

    /// <param name="dryRun">Counts sessions, records and people that are due, and touches nothing.</param>
    /// <param name="mayGoOn">Asked before each batch; throws where another process sweeps by now.</param>
    public async Task<SweepReport> RunAsync(
        string organizationId, GatewaySnapshot snapshot, ActorRecord actor, bool dryRun, Func<Task>? mayGoOn = null, CancellationToken stop = default)
    {
        var started = store.Time.GetTimestamp();
        var run = new Run(organizationId, snapshot, actor, dryRun, store, mayGoOn);
        await TranscriptsAsync(run, stop);
        var periods = snapshot.RetentionOfAll;
        if (periods.Activities is { } activities)
            await new RecordSweep(store).RunAsync(run, Before(activities), stop);
        if (periods.Ledger is { } ledger)
            await LedgerAsync(run, Before(ledger), stop);
        if (periods.Identities is { } identities)
            await IdentitiesAsync(run, Before(identities), stop);
        run.Report.Took = store.Time.GetElapsedTime(started);
        if (!dryRun && !run.Report.IsEmpty)
            await store.RecordAsync(organizationId, actor, "demarc_retention_swept", Fields(run.Report));
        return run.Report;
    }

    private async Task TranscriptsAsync(Run run, CancellationToken stop)
    {
        var roster = await Roster.LoadAsync(store, run.OrganizationId);
        var shortest = run.Snapshot.Policies.Select(p => p.Retention.Transcripts).Append(run.Snapshot.Retention.Transcripts ?? RetentionPeriods.DefaultTranscripts).Append(run.Snapshot.RetentionOfAll.Activities).Min()!.Value;
        var query = new SessionsQuery { OrganizationId = run.OrganizationId, To = Milliseconds(Before(shortest)), Limit = SessionsAtOnce };
        await foreach (var page in store.Sessions.PagesAsync(query))
        {
            await run.NextAsync(stop);
            var cuts = new List<SessionCut>();
            foreach (var session in page)
            {
                var before = Before(run.Snapshot.TranscriptsKept(roster.Of(run.OrganizationId, session.PrincipalType, session.PrincipalId, session.WorkspaceId, session.ProjectId)));
                if (session.CreatedAt >= Milliseconds(before))
                    continue;
                if (run.Holds.On(session.PrincipalId, session.Id, session.CreatedAt, session.LastAt) is not null)
                {
                    run.Report.SessionsHeld++;
                    continue;
                }
                cuts.Add(new SessionCut(session.Id, before));
                run.Report.OldestSession = Math.Min(run.Report.OldestSession ?? long.MaxValue, session.CreatedAt);
            }
            run.Report.Sessions += cuts.Count;
            if (!run.DryRun && cuts.Count > 0)
                run.Report.Transcripts += await journal.EraseAsync(journal.New(run.OrganizationId, "retention") with { Sessions = [.. cuts] }, run.Actor);
        }
    }

    private async Task LedgerAsync(Run run, DateOnly before, CancellationToken stop)
    {
        await run.NextAsync(stop);
        run.Report.LedgerBefore = before;
        if (!run.DryRun && !run.Holds.HoldAll)
            run.Report.LedgerRows = await store.LedgerErasure.RunAsync(run.OrganizationId, Start(before), run.Holds.People);
    }

    private async Task IdentitiesAsync(Run run, DateOnly before, CancellationToken stop)
    {
        await run.NextAsync(stop);
        run.Report.IdentitiesBefore = before;
        if (run.Holds.HoldAll)
            return;
        var held = run.Holds.People;
        var people = (await store.LedgerErasure.LongInactiveAsync(run.OrganizationId, Start(before))).Where(id => !held.Contains(id)).ToArray();
        run.Report.People = people.Length;
        if (run.DryRun)
            return;
        run.Report.SignIns = await store.LedgerErasure.EndedSignInsAsync(run.OrganizationId, Start(before), held);
        if (people.Length > 0)
            await journal.EraseAsync(journal.New(run.OrganizationId, "retention") with { People = people }, run.Actor);
    }

    // The day of which some may still be kept.
    private DateOnly Before(TimeSpan kept) => DateOnly.FromDateTime((store.Time.GetUtcNow() - kept).UtcDateTime);

    private static DateTimeOffset Start(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);

    private static long Milliseconds(DateOnly day) => Start(day).ToUnixTimeMilliseconds();

    private static Dictionary<string, string?> Fields(SweepReport report) => new()
    {
        ["sessions"] = Text(report.Sessions),
        ["sessions_removed"] = Text(report.Transcripts.Sessions),
        ["contents"] = Text(report.Transcripts.Requests),
        ["keys"] = Text(report.Transcripts.Keys),
        ["sessions_held"] = Text(report.SessionsHeld),
        ["oldest_session"] = report.OldestSession is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null,
        ["records"] = Text(report.Records),
        ["records_before"] = Day(report.ActivitiesBefore),
        ["records_held"] = Text(report.RecordsHeld),
        ["ledger_rows"] = Text(report.LedgerRows),
        ["ledger_before"] = Day(report.LedgerBefore),
        ["people"] = Text(report.People),
        ["sign_ins"] = Text(report.SignIns),
        ["identities_before"] = Day(report.IdentitiesBefore),
        ["milliseconds"] = Text((long)report.Took.TotalMilliseconds),
    };

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>What every class's part of one sweep works with.</summary>
    internal sealed class Run(string organizationId, GatewaySnapshot snapshot, ActorRecord actor, bool dryRun, Store store, Func<Task>? mayGoOn)
    {
        public string OrganizationId => organizationId;

        public GatewaySnapshot Snapshot => snapshot;

        public ActorRecord Actor => actor;

        public bool DryRun => dryRun;

        public SweepReport Report { get; } = new();

        /// <summary>Of when the batch began.</summary>
        public HoldsInForce Holds { get; private set; } = HoldsInForce.None;

        /// <summary>Begins a batch. A process that stood still, or a sweep of hours, destroys nothing that is held since.</summary>
        public async Task NextAsync(CancellationToken stop)
        {
            stop.ThrowIfCancellationRequested();
            if (mayGoOn is not null)
                await mayGoOn();
            Holds = await HoldsInForce.LoadAsync(store, organizationId);
        }
    }
}
