using System.CommandLine;
using System.Globalization;
using Demarc.Control.Retention;
using Demarc.Governance.Policy;

namespace Demarc.Commands;

/// <summary><c>demarc retention show|run</c>.</summary>
internal static class RetentionCommands
{
    public static Command Create() => new("retention", "How long things are kept, and destroying what is past that") { Show(), Run() };

    private static Command Show() => new Command("show", "Show how long each class is kept, and by which policy").Runs(context =>
    {
        var snapshot = context.Files.Snapshot;
        var all = snapshot.RetentionOfAll;
        var rules = new List<Rule>
        {
            new("transcripts", Days(all.Transcripts ?? RetentionPeriods.DefaultTranscripts), all.Transcripts is null ? "the default" : "everyone"),
            new("activities", Days(all.Activities), "everyone"),
            new("ledger", Days(all.Ledger), "everyone"),
            new("identities", Days(all.Identities), "everyone"),
        };
        rules.AddRange(snapshot.Policies.Where(p => !p.IsForEveryone && p.Retention.Transcripts is not null).Select(p => new Rule("transcripts", Days(p.Retention.Transcripts), p.Place)));
        context.Output.List(rules, r => r, "", ["class", "days", "for"], r => [r.Class, r.Days?.ToString(CultureInfo.InvariantCulture) ?? "kept for good", r.For]);
        return Task.CompletedTask;
    });

    private static Command Run()
    {
        var dry = new Option<bool>("--dry-run") { Description = "Say what is due, and destroy nothing" };
        return new Command("run", "Destroy now what is past its retention and not held; a serving gateway does so by itself") { dry }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var isDry = context.Get(dry);
            var report = await new RetentionSweep(installation.Store, installation.Journal).RunAsync(installation.Organization.Id, context.Files.Snapshot, context.Actor, isDry);
            var done = new
            {
                DryRun = isDry,
                report.Sessions,
                report.SessionsHeld,
                SessionsRemoved = report.Transcripts.Sessions,
                Contents = report.Transcripts.Requests,
                report.Transcripts.Keys,
                report.Records,
                report.RecordsHeld,
                report.LedgerRows,
                report.People,
                report.SignIns,
                Milliseconds = (long)report.Took.TotalMilliseconds,
            };
            context.Output.Done(done, string.Create(CultureInfo.InvariantCulture, $"""
                {(isDry ? "Due" : "Destroyed")}: content of {report.Sessions} sessions{(isDry ? "" : $" ({report.Transcripts.Requests} requests, {report.Transcripts.Keys} keys)")}, {report.Records} records, {report.LedgerRows} rows of the ledger, {report.People} people, {report.SignIns} sign-ins.
                Held: {report.SessionsHeld} sessions, {report.RecordsHeld} records.
                """));
        });
    }

    private static int? Days(TimeSpan? kept) => (int?)kept?.TotalDays;

    /// <param name="Days">Null for good.</param>
    private sealed record Rule(string Class, int? Days, string For);
}
