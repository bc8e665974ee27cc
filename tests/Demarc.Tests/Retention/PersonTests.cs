using System.Text;
using System.Text.Json;
using Demarc.Control.Retention;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Spend;
using Demarc.Serving;
using Demarc.Storage.Directory;
using Demarc.Storage.Ledger;
using Demarc.Storage.Retention;
using Demarc.Tests.Commands;
using Demarc.Tests.Compliance;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;
using static Demarc.Tests.Retention.RetentionPlace;

namespace Demarc.Tests.Retention;

/// <summary>What the law lets one person ask for.</summary>
public sealed class PersonTests
{
    private const string Organization = RetentionPlace.Organization;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StoreKind.Sqlite, false)]
    [InlineData(StoreKind.Sqlite, true)]
    [InlineData(StoreKind.Postgres, false)]
    [InlineData(StoreKind.Postgres, true)]
    public async Task Erasing_a_person_destroys_keys_content_and_directory_and_the_log_still_verifies(StoreKind kind, bool records)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        var (ana, bob) = (await PersonAsync(place, "ana"), await PersonAsync(place, "bob"));
        await place.SayAsync("clls_ana", 1, "ana's", ana.Id);
        await place.SayAsync("clls_bob", 1, "bob's", bob.Id);
        var checkpoint = await place.CheckpointAsync();

        var report = JsonSerializer.Deserialize<JsonElement>(await EraseAsync(place, ana, records));

        Assert.Equal(["clls_bob"], await place.SessionsAsync());
        Assert.Equal(["bob's"], await place.ReadAsync("clls_bob"));
        Assert.Null(await place.Store.Users.GetAsync(Organization, ana.Id));
        Assert.NotNull(await place.Store.Users.GetAsync(Organization, bob.Id));
        Assert.Null(await place.Store.ExistingContentKeyAsync(Organization, "clls_ana", DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().AddDays(-1).UtcDateTime)));
        var erased = report.GetProperty("erased");
        Assert.Equal((1, 1, 1), (erased.GetProperty("sessions").GetInt32(), erased.GetProperty("contents").GetInt32(), erased.GetProperty("keys").GetInt32()));
        Assert.Equal(records, erased.GetProperty("records").GetInt32() >= 3);
        Assert.Empty((await place.VerifyAsync(checkpoint)).Findings);
        var named = await place.Place.SqlAsync<long>(kind == StoreKind.Sqlite ? "SELECT count(*) FROM records WHERE instr(body, CAST('ana@' AS blob)) > 0" : "SELECT count(*) FROM records WHERE position('ana@'::bytea IN body) > 0");
        Assert.Equal(records, named == 0);
        if (kind == StoreKind.Sqlite)
            Assert.Equal(!records, Directory.GetFiles(Path.GetDirectoryName(place.Place.Url["sqlite:".Length..])!).Any(file => Bytes(file).IndexOf("ana@"u8) >= 0));
        var done = Assert.Single(await place.EventsAsync("demarc_person_erased"));
        Assert.Equal((ana.Id, report.Text("request")), (done["user_id"], done["erasure_id"]));
        Assert.DoesNotContain("ana@", await File.ReadAllTextAsync(place.JournalPath, Stop), StringComparison.Ordinal);
    }

    // The write-ahead logs too; their owner has them open.
    private static Span<byte> Bytes(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Records_go_that_name_the_address_and_none_of_one_that_it_is_a_part_of(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        var ann = await PersonAsync(place, "ann+o'hara");
        foreach (var about in new[] { "Mail ann+o'hara@contoso.example.", "joann+o'hara@contoso.example", "ann+o'hara@contoso.example.au", "by " + ann.Id })
            await place.Store.RecordAsync(Organization, StorePlace.Actor, "demarc_tested", new() { ["about"] = about });
        await place.Place.ProjectAsync(place.Store);

        await EraseAsync(place, ann, records: true);

        Assert.Equal(["ann+o'hara@contoso.example.au", "joann+o'hara@contoso.example"], (await place.EventsAsync("demarc_tested")).Select(e => e["about"]));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task No_alert_keeps_the_address_of_who_asked_once_it_is_sent_or_the_person_is_erased(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        var (ana, bob) = (await PersonAsync(place, "ana"), await PersonAsync(place, "bob"));
        foreach (var person in new[] { ana, bob })
        {
            var asked = (await place.Store.IncreaseRequests.OpenAsync(new IncreaseAsk(Organization, person.Id, LimitPeriod.Daily), "", StorePlace.Actor))!;
            await place.Store.IncreaseRequests.DenyAsync(Organization, asked, isQuiet: false, StorePlace.Actor);
        }
        await place.Place.ProjectAsync(place.Store);
        await place.Store.SpendAlerts.CollectAsync(Organization, [SpendAlerts.ByEmail]);
        var alerts = await place.Store.SpendAlerts.DueAsync(Organization);
        Assert.Equal(2, alerts.Length);

        await place.Store.SpendAlerts.EndAsync(alerts.Single(a => a.Body.Contains(bob.Email, StringComparison.Ordinal)), isDelivered: true, null);
        await EraseAsync(place, ana, records: false);

        Assert.Equal(0, await place.Place.SqlAsync<long>("SELECT count(*) FROM spend_alerts WHERE body LIKE '%@contoso.example%'"));
        Assert.Equal(1, await place.Place.SqlAsync<long>("SELECT count(*) FROM spend_alerts"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Roles_requests_and_waiting_changes_go_with_the_person_whom_they_name(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        var (ann, joann) = (await PersonAsync(place, "ann"), await PersonAsync(place, "joann"));
        foreach (var person in new[] { ann, joann })
        {
            await place.Store.RoleAssignments.AssignAsync(Organization, new NewRoleAssignment("billing", false, "user", person.Id, RoleScope.Organization), StorePlace.Actor);
            await place.Store.RoleRequests.AskAsync(Organization, person.Id, "admin", RoleScope.Organization, "my own words", TimeSpan.FromHours(1), StorePlace.Actor);
            await place.Store.PendingChanges.KeepAsync(
                new PendingChange
                {
                    Id = "chg_" + person.Name,
                    OrganizationId = Organization,
                    Kind = "roles",
                    Summary = $"make {person.Email} admin in the directory",
                    Method = "POST",
                    Route = "/r",
                    RouteValues = "{}",
                    Path = "/r",
                    Query = "",
                    Body = [],
                    AskedType = "user",
                    AskedBy = "user_1",
                    Status = "pending",
                    CreatedAt = DaysAgo(0),
                    ExpiresAt = DaysAgo(-1),
                },
                StorePlace.Actor);
        }

        await EraseAsync(place, ann, records: false);

        foreach (var (table, column) in new[] { ("role_assignments", "member_id"), ("role_requests", "user_id") })
            Assert.Equal(joann.Id, await place.Place.SqlAsync<string>($"SELECT {column} FROM {table}"));
        Assert.Equal("chg_joann", Assert.Single(await place.Store.PendingChanges.ListAsync(Organization)).Id);
        Assert.Equal(1, await place.Place.SqlAsync<long>("SELECT count(*) FROM role_assignments"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_is_held_of_a_person_is_not_erased_and_the_report_says_so(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        var ana = await PersonAsync(place, "ana");
        await place.SayAsync("clls_held", 40, "held", ana.Id);
        await place.SayAsync("clls_free", 1, "free", ana.Id);
        await place.Place.ProjectAsync(place.Store);
        var hold = await place.Store.LegalHolds.CreateAsync(Organization, new NewLegalHold("case", "claim", "user", ana.Id, ToAt: DaysAgo(30)), StorePlace.Actor);

        var report = JsonSerializer.Deserialize<JsonElement>(await EraseAsync(place, ana, records: true));

        Assert.Equal(["held"], await place.ReadAsync("clls_held"));
        Assert.Equal(["clls_held"], await place.SessionsAsync());
        Assert.NotNull(await place.Store.Users.GetAsync(Organization, ana.Id));
        Assert.Equal([hold.Id], report.GetProperty("held_by").EnumerateArray().Select(h => h.GetString()!));
        Assert.False(report.GetProperty("erased").GetProperty("directory").GetBoolean());

        await place.Store.LegalHolds.ReleaseAsync(Organization, hold.Id, StorePlace.Actor);
        await EraseAsync(place, ana, records: true);
        Assert.Empty(await place.SessionsAsync());
        Assert.Null(await place.Store.Users.GetAsync(Organization, ana.Id));
        Assert.Empty((await place.VerifyAsync()).Findings);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task An_erasure_is_replayed_on_a_backup_from_before_it(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        var ana = await PersonAsync(place, "ana");
        await place.SayAsync("clls_ana", 1, "ana's", ana.Id);
        await place.SayAsync("clls_old", 300, "old");
        await place.CheckpointAsync();
        await using var backup = await place.Place.CopyAsync();
        await EraseAsync(place, ana, records: true);
        await place.SweepAsync();
        await using (var lost = await backup.OpenAsync())
            Assert.NotNull(await lost.ExistingContentKeyAsync(Organization, "clls_old", DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().AddDays(-300).UtcDateTime)));

        var restored = await backup.OpenAsync();
        var journal = new ErasureJournal(restored, place.JournalPath);
        Assert.Equal(2, await journal.ReplayAsync(StorePlace.Actor));

        Assert.Equal(0, await backup.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL"));
        Assert.Empty(await restored.QueryKeysAsync<string>($"SELECT session_id FROM {restored.KeyTable("content_keys")}"));
        Assert.Null(await restored.Users.GetAsync(Organization, ana.Id));
        await backup.ProjectAsync(restored);
        Assert.Empty((await new Demarc.Control.Proofs.StoreCheck(restored, Organization).RunAsync([])).Findings);
        Assert.Equal(0, await journal.ReplayAsync(StorePlace.Actor));
        // A file that was lost is written again from the store.
        File.Delete(place.JournalPath);
        await journal.ReplayAsync(StorePlace.Actor);
        Assert.Equal(2, (await File.ReadAllLinesAsync(place.JournalPath, Stop)).Count(l => l.Length > 0));
        // Half a line, as a crash leaves it, hides nothing that follows.
        await File.AppendAllTextAsync(place.JournalPath, "{\"id\":\"erasure_half", Stop);
        await new ErasureJournal(restored, place.JournalPath).EraseAsync(journal.New(Organization, "after"), StorePlace.Actor);
        Assert.Equal(0, await journal.ReplayAsync(StorePlace.Actor));
    }

    [Fact]
    public async Task Export_and_erasure_on_the_command_line_are_signed_and_a_restored_gateway_serves_nothing_of_it()
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.AskAsync("s1", User("a marked question"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var session = (await place.GetAsync(Sessions)).Data()[0].Text("id");
        string[] at = ["--config", Path.Combine(place.Folder, "demarc.yaml"), "--data", place.Folder];
        const string who = "developer@demarc.example";

        await DemarcCommand.DoneAsync(place.Folder, ["person", "export", who, "export", "--reason", "art. 15, no. 7", .. at]);
        var files = Directory.GetFiles(Path.Combine(place.Folder, "export"), "*", SearchOption.AllDirectories);
        Assert.Equal(["activities.jsonl", "person.json", "report.json", "sessions.jsonl", "spend.jsonl"], files.Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
        Assert.All(files, f => Assert.DoesNotContain("marked question", File.ReadAllText(f), StringComparison.Ordinal));
        Assert.Contains("\"demarc_inference\"", await File.ReadAllTextAsync(Path.Combine(place.Folder, "export", "activities.jsonl"), Stop), StringComparison.Ordinal);
        await DemarcCommand.DoneAsync(place.Folder, ["receipt", "--verify", "export/report.json", .. at]);

        // With a review that somebody else approved, what was said is there too.
        var review = await DemarcCommand.JsonAsync(place.Folder, ["review", "request", "--user", who, "--reader", "admin@demarc.example", "--reason-code", "data_subject_request", "--reason", "art. 15", .. at]);
        Assert.Contains("is pending", await DemarcCommand.FailsAsync(1, place.Folder, ["person", "export", who, "export2", "--reason", "x", "--review", review.Text("id")!, .. at]), StringComparison.Ordinal);
        await using (var store = await place.OpenStoreAsync())
            await store.Reviews.DecideAsync((await store.Reviews.GetAsync((await store.Organizations.ListAsync())[0].Id, review.Text("id")!))!, true, new ActorRecord("user", "user_other"));
        await DemarcCommand.DoneAsync(place.Folder, ["person", "export", who, "export3", "--reason", "art. 15", "--review", review.Text("id")!, .. at]);
        Assert.Contains("marked question", await File.ReadAllTextAsync(Path.Combine(place.Folder, "export3", "transcripts", session + ".jsonl"), Stop), StringComparison.Ordinal);
        var viewed = await place.ActivitiesAsync(1, "demarc_content_viewed");
        Assert.Equal("data_subject_request", viewed[0].Text("reason_code"));

        await using var backup = await place.Store.CopyAsync();
        await DemarcCommand.DoneAsync(place.Folder, ["person", "erase", who, "--reason", "art. 17, no. 8", "--report", "erased.json", .. at]);
        await DemarcCommand.DoneAsync(place.Folder, ["receipt", "--verify", "erased.json", .. at]);
        Assert.Contains("the signature does not hold", await TamperedAsync(place.Folder, at), StringComparison.Ordinal);
        Assert.Contains("There is no user", await DemarcCommand.FailsAsync(1, place.Folder, ["person", "erase", who, "--reason", "again", "--report", "again.json", .. at]), StringComparison.Ordinal);

        var messages = await RestoredAsync(place, backup, $"{Sessions}/{session}/messages");
        Assert.DoesNotContain("marked question", messages.Body, StringComparison.Ordinal);
        Assert.Equal(404, messages.Status);
        // Without the journal it would have been there: the backup is a real one.
        File.Delete(Path.Combine(place.Folder, "erasures.jsonl"));
        Assert.Contains("marked question", (await RestoredAsync(place, backup, $"{Sessions}/{session}/messages")).Body, StringComparison.Ordinal);
    }

    private static async Task<string> TamperedAsync(string folder, string[] at)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "tampered.json"), (await File.ReadAllTextAsync(Path.Combine(folder, "erased.json"), Stop)).Replace("art. 17", "art. 18", StringComparison.Ordinal), Stop);
        return await DemarcCommand.FailsAsync(1, folder, ["receipt", "--verify", "tampered.json", .. at]);
    }

    /// <summary>The first answer of a gateway that starts on a backup, with the journal that is there now.</summary>
    private static async Task<(int Status, string Body)> RestoredAsync(ProxyPlace place, StorePlace backup, string url)
    {
        await using var files = await backup.CopyAsync();
        var folder = Directory.CreateTempSubdirectory("demarc-restored-").FullName;
        try
        {
            foreach (var name in new[] { "master.key", "upstream.key", "quickstart.json", "erasures.jsonl" }.Where(n => File.Exists(Path.Combine(place.Folder, n))))
                File.Copy(Path.Combine(place.Folder, name), Path.Combine(folder, name));
            var config = Path.Combine(folder, "demarc.yaml");
            await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(Path.Combine(place.Folder, "demarc.yaml"), Stop)).Replace(place.Store.Url, files.Url, StringComparison.Ordinal), Stop);
            await using var gateway = await Gateway.StartAsync(new ServeOptions { ConfigPath = config, DataDirectory = folder, Listen = "127.0.0.1:0" }, logging: l => l.ClearProviders());
            using var client = new HttpClient(new SocketsHttpHandler());
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Url, url));
            request.Headers.Add("x-api-key", place.Keys["compliance_key"]);
            using var response = await client.SendAsync(request, Stop);
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Stop));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<User> PersonAsync(RetentionPlace place, string name)
    {
        var user = (await place.Store.Users.CreateAsync(Organization, $"{name}@contoso.example", name, "developer", StorePlace.Actor))!;
        return (await place.Store.Users.UpdateAsync(Organization, user.Id, StorePlace.Actor, status: "inactive"))!;
    }

    private static async Task<byte[]> EraseAsync(RetentionPlace place, User user, bool records)
    {
        var report = await new PersonErasing(place.Store, place.Journal).RunAsync(new PersonErasureRequest(user, "art. 17", records), StorePlace.Actor, Stop);
        await place.Place.ProjectAsync(place.Store);
        return report;
    }
}
