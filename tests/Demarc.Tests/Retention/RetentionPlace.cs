using System.Text;
using System.Text.Json;
using Demarc.Control.Proofs;
using Demarc.Control.Retention;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Governance.Policy;
using Demarc.Serving;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Storage.Retention;
using Demarc.Tests.Storage;

namespace Demarc.Tests.Retention;

/// <summary>A store with sessions of any age, a journal, and policies to sweep by.</summary>
internal sealed class RetentionPlace : IAsyncDisposable
{
    public const string Organization = "org_1";

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-retention-").FullName;

    private RetentionPlace(StorePlace place, Store store)
    {
        (Place, Store) = (place, store);
        Journal = new ErasureJournal(store, Path.Combine(_folder, "erasures.jsonl"));
    }

    public StorePlace Place { get; }

    public Store Store { get; }

    public ErasureJournal Journal { get; }

    public string JournalPath => Path.Combine(_folder, "erasures.jsonl");

    public static async Task<RetentionPlace> CreateAsync(StoreKind kind)
    {
        var place = await StorePlace.CreateAsync(kind);
        return new RetentionPlace(place, await place.OpenAsync());
    }

    public static long DaysAgo(double days) => TimeProvider.System.GetUtcNow().AddDays(-days).ToUnixTimeMilliseconds();

    /// <summary>A request with sealed content, so many days ago.</summary>
    public async Task<Guid> SayAsync(string session, double daysAgo, string text, string actor = "user_1")
    {
        var at = DaysAgo(daysAgo);
        var day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(at).UtcDateTime);
        var conversation = new Conversation(Store, Organization, actor, session, at: at);
        var key = await Store.ContentKeyAsync(Organization, session, day);
        await conversation.BeginAsync();
        await conversation.FinishAsync(content: key.Seal(Encoding.UTF8.GetBytes(text), Organization, session, conversation.Id));
        return conversation.Id;
    }

    /// <summary>What of a session can still be opened, by request in order; <c>gone</c> for what cannot.</summary>
    public async Task<string[]> ReadAsync(string session)
    {
        var texts = new List<string>();
        foreach (var request in await Store.Sessions.RequestsAsync(Organization, session))
        {
            var key = await Store.ExistingContentKeyAsync(Organization, session, DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(request.At).UtcDateTime));
            texts.Add(request.Content is null || key is null ? "gone"
                : Encoding.UTF8.GetString(key.Open(request.Content, Organization, session, new Guid(request.RequestId, bigEndian: true))));
        }
        return [.. texts];
    }

    public async Task<string[]> SessionsAsync() =>
        [.. (await Store.Sessions.ListAsync(new SessionsQuery { OrganizationId = Organization })).Data.Select(s => s.Id).Order(StringComparer.Ordinal)];

    /// <param name="yaml">Top-level keys of a configuration.</param>
    /// <param name="mayGoOn">Asked before each batch.</param>
    public async Task<SweepReport> SweepAsync(string yaml = "", bool dryRun = false, Func<Task>? mayGoOn = null)
    {
        await Place.ProjectAsync(Store);
        var report = await new RetentionSweep(Store, Journal).RunAsync(Organization, Snapshot(yaml), StorePlace.Actor, dryRun, mayGoOn);
        await Place.ProjectAsync(Store);
        return report;
    }

    public async Task<Checkpoint> CheckpointAsync()
    {
        await Place.ProjectAsync(Store);
        var size = await Store.Tree.SizeAsync(Organization);
        return new Checkpoint(Checkpoint.OriginOf(Organization), size, await Store.Tree.RootAsync(Organization, size));
    }

    public Task<CheckReport> VerifyAsync(params Checkpoint[] checkpoints) => new StoreCheck(Store, Organization).RunAsync(checkpoints);

    public async Task<Dictionary<string, string?>[]> EventsAsync(string type) =>
        [.. (await Store.Activities.ListAsync(new ActivitiesQuery { OrganizationId = Organization, Types = [type] })).Data
            .Select(a => JsonSerializer.Deserialize(a.Body, RecordJson.Default.EventRecord)!.Fields)];

    public GatewaySnapshot Snapshot(string yaml)
    {
        var path = Path.Combine(_folder, "demarc.yaml");
        File.WriteAllText(path, "resources: []\n" + yaml);
        return InstallationFiles.Load(path, _folder).Snapshot;
    }

    public async ValueTask DisposeAsync()
    {
        await Place.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
