using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Control.Proofs;
using Demarc.Control.Receipts;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Compliance;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Retention;

/// <summary>Export and erasure of a person over HTTP.</summary>
public sealed class PersonEndpointTests
{
    private const string Users = "/v1/organizations/users";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_person_is_exported_and_erased_with_signed_reports(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.AskAsync("s1", User("a marked question"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var session = (await place.GetAsync(Sessions)).Data()[0].Text("id")!;
        var store = place.Gateway.Store;
        var organization = (await store.Organizations.ListAsync())[0].Id;
        var people = (await store.Users.ListAsync(organization, new PageRequest())).Data;
        var (user, admin) = (people.Single(u => u.Role == "developer"), people.Single(u => u.Role is "admin" or "owner"));

        // 1 without a review: all but what was said
        var files = await ExportAsync(place, user.Id, """{"reason":"art. 15, no. 7"}""");
        Assert.Equal(["activities.jsonl", "person.json", "report.json", "sessions.jsonl", "spend.jsonl"], files.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("\"demarc_inference\"", files["activities.jsonl"], StringComparison.Ordinal);
        Assert.DoesNotContain("marked question", string.Concat(files.Values), StringComparison.Ordinal);
        var report = await VerifiedAsync(place, organization, Encoding.UTF8.GetBytes(files["report.json"]));
        Assert.Equal(("person_export", user.Id, 1), (report.Text("type"), report.Text("request"), report.GetProperty("sessions_without_transcript").GetInt32()));

        // 2 under a review that somebody else approved, with the transcript
        var review = (await place.AdminAsync(HttpMethod.Post, "/v1/organizations/reviews", $$"""{"scope":"user","scope_id":"{{user.Id}}","reason_code":"data_subject_request","reason":"art. 15","reader_id":"{{admin.Id}}"}""")).Text("id")!;
        await place.AdminAsync(HttpMethod.Post, $"{Users}/{user.Id}/data_export", $$"""{"reason":"art. 15","review_id":"{{review}}"}""", 400);
        await store.Reviews.DecideAsync((await store.Reviews.GetAsync(organization, review))!, true, new ActorRecord("user", "user_other"));
        files = await ExportAsync(place, user.Id, $$"""{"reason":"art. 15","review_id":"{{review}}"}""");
        Assert.Contains("marked question", files[$"transcripts/{session}.jsonl"], StringComparison.Ordinal);
        Assert.Equal("data_subject_request", (await place.ActivitiesAsync(1, "demarc_content_viewed"))[0].Text("reason_code"));
        await place.ActivitiesAsync(2, "demarc_person_exported");

        // 3 erased; inactive already, so that there is nothing to wait for
        await store.Users.UpdateAsync(organization, user.Id, StorePlace.Actor, status: "inactive");
        var erased = await place.AdminAsync(HttpMethod.Post, $"{Users}/{user.Id}/erasure", """{"reason":"art. 17, no. 8"}""");
        report = await VerifiedAsync(place, organization, Encoding.UTF8.GetBytes(erased.GetRawText()));
        Assert.Equal(("person_erasure", 1), (report.Text("type"), report.GetProperty("erased").GetProperty("sessions").GetInt32()));
        var (status, body) = await place.ReadAsync($"{Sessions}/{session}/messages");
        Assert.True(status == HttpStatusCode.NotFound, body.GetRawText());
        var done = Assert.Single(await place.ActivitiesAsync(1, "demarc_person_erased"));
        Assert.Equal((user.Id, "admin_api_key_actor"), (done.Text("user_id"), done.GetProperty("actor").Text("type")));
        await place.AdminAsync(HttpMethod.Post, $"{Users}/{user.Id}/erasure", """{"reason":"again"}""", 404);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task The_signed_report_of_an_erasure_names_who_asked_for_it_and_who_approved_it(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, "  - { capture: full }\napprovals: [erasures]");
        var store = place.Gateway.Store;
        var organization = (await store.Organizations.ListAsync())[0].Id;
        var people = (await store.Users.ListAsync(organization, new PageRequest())).Data;
        var (user, first) = (people.Single(u => u.Role == "developer"), people.Single(u => u.Role is "admin" or "owner"));
        await store.Users.UpdateAsync(organization, user.Id, StorePlace.Actor, status: "inactive");
        var second = (await store.Users.CreateAsync(organization, "second@contoso.example", "Second", "admin", StorePlace.Actor))!;
        var (_, key) = await store.ApiKeys.CreateAsync(new NewApiKey(organization, ApiKeyKind.Admin, "second", "user", second.Id), StorePlace.Actor);

        var change = (await place.AdminAsync(HttpMethod.Post, $"{Users}/{user.Id}/erasure", """{"reason":"art. 17, no. 9"}""", 202)).Text("id")!;
        await place.AdminAsync(HttpMethod.Post, $"/v1/organizations/changes/{change}/approve", "", 403);
        Assert.NotNull(await store.Users.GetAsync(organization, user.Id));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/organizations/changes/{change}/approve");
        request.Headers.Add("x-api-key", key.Reveal());
        var (response, report) = await place.SendAsync(request);

        Assert.True(response.StatusCode == HttpStatusCode.OK, report);
        var signed = JsonDocument.Parse(report).RootElement.GetProperty("answer").GetRawText();
        var payload = await VerifiedAsync(place, organization, Encoding.UTF8.GetBytes(signed));
        var (asked, approved) = (payload.GetProperty("asked_by"), payload.GetProperty("approved_by"));
        Assert.Equal(("person_erasure", "art. 17, no. 9"), (payload.Text("type"), payload.Text("reason")));
        Assert.Equal(("user", first.Id), (asked.Text("type"), asked.Text("id")));
        Assert.Equal(("user", second.Id, change), (approved.Text("type"), approved.Text("id"), approved.Text("change")));
        Assert.Null(await store.Users.GetAsync(organization, user.Id));
    }

    [Fact]
    public async Task Bad_input_is_refused_and_nobody_erases_themselves()
    {
        await using var place = await ProxyPlace.StartAsync();
        var people = (await place.AdminAsync(HttpMethod.Get, Users)).Data();
        var (developer, admin) = (people.Single(u => u.Text("role") == "developer").Text("id")!, people.Single(u => u.Text("role") is "admin" or "owner").Text("id")!);
        foreach (var (path, body, status, message) in new[]
        {
            ($"{developer}/data_export", "{}", 400, "reason"),
            ($"{developer}/data_export", """{"reason":"x","review_id":"review_no"}""", 400, "review_id"),
            ($"{developer}/data_export", """{"reason":"x","records":true}""", 400, "records"),
            ("user_no/data_export", """{"reason":"x"}""", 404, "no user"),
            ($"{developer}/erasure", """{"reason":""}""", 400, "reason"),
            ($"{developer}/erasure", """{"reason":"x","records":"yes"}""", 400, "records"),
            ("user_no/erasure", """{"reason":"x"}""", 404, "no user"),
            ($"{admin}/erasure", """{"reason":"x"}""", 403, "Nobody erases themselves"),
        })
            Assert.Contains(message, (await place.AdminAsync(HttpMethod.Post, $"{Users}/{path}", body, status)).GetProperty("error").Text("message"), StringComparison.Ordinal);
        Assert.NotNull(await place.Gateway.Store.Users.GetAsync((await place.Gateway.Store.Organizations.ListAsync())[0].Id, developer));
    }

    private static async Task<Dictionary<string, string>> ExportAsync(ProxyPlace place, string user, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Users}/{user}/data_export") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("x-api-key", place.Keys["admin_key"]);
        using var response = await place.Client.SendAsync(request, Stop);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Stop));
        Assert.Equal("application/zip", response.Content.Headers.ContentType!.MediaType);
        using var zip = new ZipArchive(await response.Content.ReadAsStreamAsync(Stop));
        var files = new Dictionary<string, string>();
        foreach (var entry in zip.Entries)
        {
            using var reader = new StreamReader(await entry.OpenAsync(Stop));
            files.Add(entry.FullName, await reader.ReadToEndAsync(Stop));
        }
        return files;
    }

    private static async Task<JsonElement> VerifiedAsync(ProxyPlace place, string organization, byte[] file)
    {
        using var key = await new LogSigner(place.Gateway.Store, Master(place)).CurrentKeyAsync(organization);
        Assert.Null(SignedReceipt.Problem(file, key.PublicKey, out var payload));
        return payload;
    }
}
