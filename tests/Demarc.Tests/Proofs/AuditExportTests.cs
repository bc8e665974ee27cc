using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Proofs;

/// <summary>The auditor's bundle, checked by the program and by the document's script.</summary>
public sealed class AuditExportTests : IDisposable
{
    private static readonly DateOnly Day = new(2026, 7, 2);

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-audit-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Bundle => Path.Combine(_folder, "bundle");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_bundle_is_checked_without_a_store_and_any_change_of_it_is_found(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var (store, organization, kept) = await FillAsync(place);
        var signer = new LogSigner(store, StorePlace.Master);
        await store.Erasure.RunAsync(organization.Id, [kept.Size + 3, kept.Size + 4], StorePlace.Actor, "a person's request");
        await place.ProjectAsync(store);

        var records = await new AuditExport(store, signer, organization, Bundle, TimeProvider.System)
            .WriteAsync(new AuditRequest(Day, Day, "seed", 5, [kept]), StorePlace.Actor);

        var keys = (await store.Checkpoints.KeysAsync(organization.Id)).Select(k => NoteKey.Parse(k.PublicKey)!).ToArray();
        var report = await new AuditCheck(Bundle).RunAsync([keys[0]], [kept]);
        Assert.Empty(report.Findings);
        Assert.Equal((300, 300, 2, 2), (records, report.Leaves, report.Erased, report.Checkpoints));
        Assert.Equal(150, (await File.ReadAllLinesAsync(Path.Combine(Bundle, "activities.csv"), Stop)).Length);
        Assert.Equal(5, Json("sample.json").GetProperty("leaves").GetArrayLength());
        var statement = Json("statement.json");
        Assert.Equal((298, 2, 0), (statement.GetProperty("records").GetInt64(), statement.GetProperty("erased").GetInt64(), statement.GetProperty("missing").GetInt64()));
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM activities WHERE type = 'demarc_records_erased'"));

        // By the script of the document, on what somebody without Demarc has.
        await File.WriteAllLinesAsync(Path.Combine(_folder, "keys.txt"), keys.Select(k => k.ToString()), Stop);
        Assert.Equal($"300 records are as demarc/{organization.Id} signed them, 2 of them erased", (await ScriptAsync()).Output.Trim());

        // A bundle stands for the log that the auditor kept a checkpoint of, and no other.
        var foreign = kept with { Root = [.. kept.Root.Reverse()] };
        Assert.Contains((await new AuditCheck(Bundle).RunAsync(keys, [foreign])).Findings, f => f.Problem.Contains("its past was changed", StringComparison.Ordinal));
        Assert.Contains((await new AuditCheck(Bundle).RunAsync([], [])).Findings, f => f.Place == "checkpoint.txt");
        foreach (var (file, from, to) in new[]
        {
            ("records.jsonl", "cost_nano_usd", "cost_nanp_usd"), ("records.jsonl", "claude-sonnet-4-6", "claude-sonnet-4-7"), ("records.jsonl", "\"erased\":\"", "\"missing\":\""),
            ("tombstones.json", "a person", "no person"), ("checkpoint.txt", "demarc/org", "demarc/orh"), ("sample.json", "\"seed\"", "\"sead\""),
        })
        {
            var path = Path.Combine(Bundle, file);
            var before = await File.ReadAllTextAsync(path, Stop);
            var changed = Regex.Replace(before, Regex.Escape(from), to, RegexOptions.None, TimeSpan.FromSeconds(5));
            Assert.True(changed != before, $"{file}: {from}");
            await WriteAsync(file, changed);
            Assert.True((await new AuditCheck(Bundle).RunAsync(keys, [])).Count > 0, $"{file}: {from}");
            Assert.True(file == "sample.json" || (await ScriptAsync()).ExitCode != 0, $"{file}: {from}");
            await WriteAsync(file, before);
        }
        Assert.Empty((await new AuditCheck(Bundle).RunAsync(keys, [kept])).Findings);

        JsonElement Json(string name) => JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(Bundle, name)));
    }

    [Fact]
    public async Task Members_whom_a_directory_provisions_are_those_of_each_day_too()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        var organization = await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor);
        var first = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var (_, ada) = await store.ScimUsers.CreateAsync(
            new ScimUser { Id = "", OrganizationId = organization.Id, Email = "ada@contoso.example", Name = "Ada", Status = "active", CreatedAt = 0, Version = 0 }, "developer", StorePlace.Actor);
        var (_, group) = await store.ScimGroups.CreateAsync(
            new ScimGroup { Id = "", OrganizationId = organization.Id, Name = "payments", CreatedAt = 0, Version = 0 }, [ada!.Id], StorePlace.Actor);
        time.Step(TimeSpan.FromDays(1));
        await store.ScimUsers.UpdateAsync(ada, ada with { Email = "ada.l@contoso.example", Status = "inactive" }, StorePlace.Actor);
        await store.ScimGroups.UpdateAsync(group!, group! with { Name = "billing" }, new MemberChange(false, [], []), StorePlace.Actor);
        time.Step(TimeSpan.FromDays(1));
        await store.ScimUsers.DeleteAsync(organization.Id, ada.Id, null, StorePlace.Actor);
        await place.ProjectAsync(store);

        await new AuditExport(store, new LogSigner(store, StorePlace.Master), organization, Bundle, time)
            .WriteAsync(new AuditRequest(first, first.AddDays(2), "seed", 5, []), StorePlace.Actor);

        Assert.Equal(
            [
                $"{first:yyyy-MM-dd},{ada.Id},user,ada@contoso.example,developer,active,payments",
                $"{first.AddDays(1):yyyy-MM-dd},{ada.Id},user,ada.l@contoso.example,developer,inactive,billing",
            ],
            (await File.ReadAllLinesAsync(Path.Combine(Bundle, "members.csv"), Stop)).Skip(1));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Members_are_those_of_each_day(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        var organization = await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor);
        var first = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var ada = (await store.Users.CreateAsync(organization.Id, "ada@contoso.example", "Ada", "developer", StorePlace.Actor))!;
        var group = (await store.Groups.CreateAsync(organization.Id, "payments", StorePlace.Actor))!;
        time.Step(TimeSpan.FromDays(1));
        await store.Groups.UpdateMembersAsync(organization.Id, group.Id, [ada.Id], [], StorePlace.Actor);
        await store.Users.UpdateAsync(organization.Id, ada.Id, StorePlace.Actor, role: "admin");
        time.Step(TimeSpan.FromDays(1));
        await store.Users.UpdateAsync(organization.Id, ada.Id, StorePlace.Actor, status: "inactive");
        await place.ProjectAsync(store);

        await new AuditExport(store, new LogSigner(store, StorePlace.Master), organization, Bundle, time)
            .WriteAsync(new AuditRequest(first.AddDays(-1), first.AddDays(2), "seed", 5, []), StorePlace.Actor);

        Assert.Equal(
            [
                $"{first:yyyy-MM-dd},{ada.Id},user,ada@contoso.example,developer,active,",
                $"{first.AddDays(1):yyyy-MM-dd},{ada.Id},user,ada@contoso.example,admin,active,payments",
                $"{first.AddDays(2):yyyy-MM-dd},{ada.Id},user,ada@contoso.example,admin,inactive,payments",
            ],
            (await File.ReadAllLinesAsync(Path.Combine(Bundle, "members.csv"), Stop)).Skip(1));
    }

    /// <summary>100 requests of the day before, a checkpoint of them, 150 of the day, and 50 of the day after.</summary>
    [Fact]
    public async Task The_statement_names_the_spans_in_which_records_waited_in_a_journal()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var store = await place.OpenAsync();
        var organization = await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor);
        await store.AppendAsync(new EvidenceRecord
        {
            OrganizationId = organization.Id,
            Kind = RecordKind.Event,
            RequestId = Guid.CreateVersion7(),
            At = new DateTimeOffset(Day.ToDateTime(new TimeOnly(12, 0)), TimeSpan.Zero).ToUnixTimeMilliseconds(),
            Body = JsonSerializer.SerializeToUtf8Bytes(
                new EventRecord
                {
                    Type = Store.JournalCaughtUp,
                    Actor = new ActorRecord("system", "replica_1"),
                    Fields = new() { ["from"] = "2026-07-01T11:59:00.000Z", ["to"] = "2026-07-01T12:00:00.000Z", ["records"] = "7" },
                },
                RecordJson.Default.EventRecord),
        });
        await place.ProjectAsync(store);

        await new AuditExport(store, new LogSigner(store, StorePlace.Master), organization, Bundle, TimeProvider.System)
            .WriteAsync(new AuditRequest(Day, Day, "seed", 5, []), StorePlace.Actor);

        var window = Assert.Single(JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(Path.Combine(Bundle, "statement.json"), Stop)).GetProperty("journal_windows").EnumerateArray());
        Assert.Equal(
            ("replica_1", "2026-07-01T11:59:00.000Z", "2026-07-01T12:00:00.000Z", "7"),
            (window.GetProperty("replica").GetString(), window.GetProperty("from").GetString(), window.GetProperty("to").GetString(), window.GetProperty("records").GetString()));
    }

    private static async Task<(Store Store, Organization Organization, Checkpoint Kept)> FillAsync(StorePlace place)
    {
        var store = await place.OpenAsync();
        var organization = await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor);
        await FillAsync(100, -1);
        using var key = await new LogSigner(store, StorePlace.Master).CurrentKeyAsync(organization.Id);
        await place.ProjectAsync(store);
        var size = await store.Tree.SizeAsync(organization.Id);
        var kept = new Checkpoint(Checkpoint.OriginOf(organization.Id), size, await store.Tree.RootAsync(organization.Id, size));
        await FillAsync(150, 0);
        await FillAsync(50, 1);
        await place.ProjectAsync(store);
        return (store, organization, kept);

        async Task FillAsync(int requests, int days)
        {
            var at = new DateTimeOffset(Day.AddDays(days).ToDateTime(new TimeOnly(12, 0)), TimeSpan.Zero).ToUnixTimeMilliseconds();
            for (var n = 0; n < requests; n++)
                await new Conversation(store, organization.Id, at: at + n).WholeAsync();
        }
    }

    private async Task<CommandResult> ScriptAsync()
    {
        var path = Environment.GetEnvironmentVariable("PATH")!;
        foreach (var program in new[] { "python3", "openssl" })
            Component.Require(path.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))), $"{program} is not installed (apt-get install {program})");
        var script = Regex.Match(await File.ReadAllTextAsync(Repository.Path("docs", "verify.md"), Stop), "(?ms)^```python\n(.*?)^```").Groups[1].Value;
        await File.WriteAllTextAsync(Path.Combine(_folder, "verify.py"), script, Stop);
        var environment = new Dictionary<string, string> { ["PATH"] = path, ["HOME"] = _folder };
        return await Command.RunAsync("python3", ["verify.py", "bundle", "keys.txt"], _folder, environment, Stop);
    }

    // With the manifest made to fit, as whoever changes a bundle would.
    private async Task WriteAsync(string file, string text)
    {
        await File.WriteAllTextAsync(Path.Combine(Bundle, file), text, Stop);
        var manifest = await File.ReadAllTextAsync(Path.Combine(Bundle, "manifest.json"), Stop);
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(Bundle, file), Stop)));
        await File.WriteAllTextAsync(Path.Combine(Bundle, "manifest.json"), Regex.Replace(manifest, $"(\"{Regex.Escape(file)}\": )\"[0-9a-f]+\"", $"$1\"{hash}\""), Stop);
    }
}
