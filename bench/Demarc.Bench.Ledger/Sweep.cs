using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Control.Retention;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Retention;

namespace Demarc.Bench.Ledger;

/// <summary>Sessions of 200 days ago, each a request with two kilobytes of sealed content, and the sweep that destroys them.</summary>
internal static class Sweep
{
    private const string Organization = Year.Organization;
    private const int AtOnce = 2000;

    public static async Task RunAsync(Store store, int sessions)
    {
        var began = TimeProvider.System.GetUtcNow().AddDays(-200);
        var content = RandomNumberGenerator.GetBytes(2048);
        for (var first = 0; first < sessions; first += AtOnce)
        {
            await Task.WhenAll(Enumerable.Range(first, Math.Min(AtOnce, sessions - first)).Select(n => SayAsync(store, began.AddSeconds(n), n % 1000, content)));
            await store.Projector.CatchUpAsync();
        }
        while (await store.Projector.CatchUpAsync() > 0)
        {
            // In batches of a thousand.
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sessions} sessions are there."));

        var snapshot = new GatewaySnapshot
        {
            Resources = [],
            Aliases = [],
            Policies = [],
            Agreements = [],
            Catalog = Catalog.Parse(await File.ReadAllBytesAsync("catalog/catalog.json")),
            PolicyHash = "",
            ConfigurationHash = "",
            MaxBodyBytes = 1,
        };
        var journal = Path.Combine(Path.GetTempPath(), $"erasures-{Environment.ProcessId}.jsonl");
        var started = Stopwatch.GetTimestamp();
        var report = await new RetentionSweep(store, new ErasureJournal(store, journal)).RunAsync(Organization, snapshot, new ActorRecord("cli", "bench"), dryRun: false);
        var took = Stopwatch.GetElapsedTime(started);
        File.Delete(journal);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"swept {report.Transcripts.Sessions} sessions, {report.Transcripts.Keys} keys and {report.Transcripts.Requests} contents in {took.TotalSeconds:0.0} s: {report.Transcripts.Sessions / took.TotalSeconds:0} sessions/s"));
    }

    private static async Task SayAsync(Store store, DateTimeOffset at, int person, byte[] content)
    {
        var (id, session) = (Guid.CreateVersion7(at), Ids.From(Ids.Session, Guid.CreateVersion7(at)));
        var key = await store.ContentKeyAsync(Organization, session, DateOnly.FromDateTime(at.UtcDateTime));
        var sealedContent = key.Seal(content, Organization, session, id);
        var begun = new BegunRecord
        {
            Id = Ids.From(Ids.Request, id),
            Actor = new ActorRecord("user", $"user_{person}"),
            Surface = "claude_code",
            Dialect = "anthropic",
            Operation = "messages",
            ModelAsked = "sonnet",
            Plan = ["east/sonnet"],
            Attempt = new AttemptRecord(1, "east", "sonnet", "claude-sonnet-4-6", "foundry", "anthropic", "global", null, 0),
            Capture = "full",
            Splices = [],
            Receipt = new ReceiptRecord("", "", ""),
            Replica = store.Replica,
        };
        var finished = new FinishedRecord { Id = begun.Id, Result = "answered", Status = 200, ContentSha256 = Convert.ToHexStringLower(SHA256.HashData(sealedContent)) };
        await store.AppendAsync(Record(RecordKind.Begun, JsonSerializer.SerializeToUtf8Bytes(begun, RecordJson.Default.BegunRecord), null));
        await store.AppendAsync(Record(RecordKind.Finished, JsonSerializer.SerializeToUtf8Bytes(finished, RecordJson.Default.FinishedRecord), sealedContent));

        EvidenceRecord Record(RecordKind kind, byte[] body, byte[]? captured) => new()
        {
            OrganizationId = Organization,
            Kind = kind,
            RequestId = id,
            SessionId = session,
            At = at.ToUnixTimeMilliseconds(),
            Body = body,
            Content = captured,
        };
    }
}
