using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Compliance;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Reviews;

/// <summary>Law 6: captured content opens through a review, somebody else's approval and for a time, all on record.</summary>
public sealed class ReviewTests
{
    private const string Reviews = "/v1/organizations/reviews";

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_transcript_opens_while_an_approved_review_of_it_is_in_force_and_each_view_is_on_record(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.AskAsync("s1", User("a marked question"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var session = (await place.GetAsync(Sessions)).Data()[0];
        var (id, url) = (session.Text("id"), $"{Sessions}/{session.Text("id")}/messages");
        var people = await PeopleAsync(place);

        // 1 asked for: not open yet, and not by whoever asked, nor by whoever would read
        var (_, _, before) = await place.RefusedAsync(url, people.Reading);
        Assert.Contains("POST /v1/organizations/reviews", before, StringComparison.Ordinal);
        var asked = await AdminAsync(place, people.First, HttpMethod.Post, Reviews, $$"""{"scope":"session","scope_id":"{{id}}","reason_code":"security_incident","reason":"INC-7","reader_id":"{{people.ReaderId}}","hours":2}""", 200);
        Assert.Equal(("review", "pending"), (asked.Text("type"), asked.Text("status")));
        var review = $"{Reviews}/{asked.Text("id")}";
        Assert.Contains("not approved yet", (await place.RefusedAsync(url, people.Reading)).Message, StringComparison.Ordinal);
        foreach (var own in new[] { people.First, people.ReaderAdmin })
            Assert.Contains("another administrator", (await AdminAsync(place, own, HttpMethod.Post, review + "/approve", null, 403)).GetProperty("error").Text("message"), StringComparison.Ordinal);

        // 2 approved: open for its reader alone, for its time
        var approved = await AdminAsync(place, people.Second, HttpMethod.Post, review + "/approve", null, 200);
        Assert.Equal("approved", approved.Text("status"));
        Assert.Equal(TimeSpan.FromHours(2), approved.GetProperty("expires_at").GetDateTimeOffset() - approved.GetProperty("decided_at").GetDateTimeOffset());
        Assert.Contains("a marked question", (await place.GetAsync(url, people.Reading)).GetRawText(), StringComparison.Ordinal);
        Assert.Equal(403, (await place.RefusedAsync(url, await place.NewComplianceKeyAsync(null))).Status);
        await AdminAsync(place, people.Second, HttpMethod.Post, review + "/approve", null, 409);

        // 3 closed
        await AdminAsync(place, people.First, HttpMethod.Post, review + "/revoke", null, 200);
        Assert.Equal(403, (await place.RefusedAsync(url, people.Reading)).Status);
        await AdminAsync(place, people.First, HttpMethod.Post, review + "/revoke", null, 409);

        var viewed = Assert.Single(await place.ActivitiesAsync(1, "demarc_content_viewed"));
        Assert.Equal(("security_incident", asked.Text("id"), id), (viewed.Text("reason_code"), viewed.Text("review_id"), viewed.Text("session_id")));
        Assert.Equal(people.ReaderId, (await place.ActivitiesAsync(1, "demarc_review_requested"))[0].Text("reader_id"));
        await place.ActivitiesAsync(2, "demarc_review_approved", "demarc_review_revoked");
    }

    [Fact]
    public async Task A_review_opens_what_it_is_of_and_nothing_else_and_ends_by_itself()
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.AskAsync("s1", User("first"));
        await place.AskAsync("s2", User("second"));
        await place.ActivitiesAsync(2, "demarc_inference");
        var people = await PeopleAsync(place);
        var sessions = (await place.GetAsync(Sessions)).Data();
        var developer = sessions[0].GetProperty("user").Text("id");
        var now = TimeProvider.System.GetUtcNow();

        // One session; another person; a span of time without it.
        await ApprovedAsync(place, people, $$"""{"scope":"session","scope_id":"{{sessions[0].Text("id")}}","reason_code":"support","reason":"r","reader_id":"{{people.ReaderId}}"}""");
        await ApprovedAsync(place, people, $$"""{"scope":"user","scope_id":"{{people.ReaderId}}","reason_code":"support","reason":"r","reader_id":"{{people.ReaderId}}"}""");
        await ApprovedAsync(place, people, $$"""{"scope":"user","scope_id":"{{developer}}","reason_code":"support","reason":"r","reader_id":"{{people.ReaderId}}","to":"{{now.AddHours(-1):O}}"}""");
        await place.GetAsync($"{Sessions}/{sessions[0].Text("id")}/messages", people.Reading);
        Assert.Equal(403, (await place.RefusedAsync($"{Sessions}/{sessions[1].Text("id")}/messages", people.Reading)).Status);

        // The person as a whole; when its time is over, nothing.
        var whole = await ApprovedAsync(place, people, $$"""{"scope":"user","scope_id":"{{developer}}","reason_code":"support","reason":"r","reader_id":"{{people.ReaderId}}"}""");
        await place.GetAsync($"{Sessions}/{sessions[1].Text("id")}/messages", people.Reading);
        await place.Store.SqlAsync<int>("UPDATE reviews SET expires_at = @at", new { at = now.ToUnixTimeMilliseconds() - 1 });
        foreach (var session in sessions)
            Assert.Equal(403, (await place.RefusedAsync($"{Sessions}/{session.Text("id")}/messages", people.Reading)).Status);
        Assert.Equal("expired", (await AdminAsync(place, people.First, HttpMethod.Get, $"{Reviews}/{whole}", null, 200)).Text("status"));
    }

    [Fact]
    public async Task A_compliance_key_is_exempted_by_two_administrators_for_a_time()
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.AskAsync("s1", User("hi"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var people = await PeopleAsync(place);
        var url = $"{Sessions}/{(await place.GetAsync(Sessions)).Data()[0].Text("id")}/messages";
        var body = $$"""{"scope":"key","scope_id":"{{people.ReadingId}}","reason_code":"audit","reason":"DLP","hours":"720"}""";

        var asked = (await AdminAsync(place, people.First, HttpMethod.Post, Reviews, body, 200)).Text("id");
        await AdminAsync(place, people.First, HttpMethod.Post, $"{Reviews}/{asked}/approve", null, 403);
        Assert.Equal(403, (await place.RefusedAsync(url, people.Reading)).Status);
        await AdminAsync(place, people.Second, HttpMethod.Post, $"{Reviews}/{asked}/approve", null, 200);
        await AwaitStatusAsync(place, url, people.Reading, 200);
        Assert.Equal("exempt", (await place.ActivitiesAsync(1, "demarc_content_viewed"))[0].Text("reason_code"));

        await AdminAsync(place, people.Second, HttpMethod.Post, $"{Reviews}/{asked}/revoke", null, 200);
        await AwaitStatusAsync(place, url, people.Reading, 403);
    }

    [Fact]
    public async Task Bad_input_is_refused_with_the_field_and_the_command_line_has_the_same_rules()
    {
        await using var place = await ProxyPlace.StartAsync();
        var people = await PeopleAsync(place);
        foreach (var (body, field) in new[]
        {
            ("""{"scope":"planet"}""", "scope"),
            ("""{"scope":"user","reason_code":"audit","reason":"r"}""", "scope_id"),
            ("""{"scope":"user","scope_id":"user_no","reason_code":"audit","reason":"r"}""", "scope_id"),
            ("""{"scope":"organization","reason_code":"curiosity","reason":"r"}""", "reason_code"),
            ("""{"scope":"organization","reason_code":"audit","reason":" "}""", "reason"),
            ("""{"scope":"organization","reason_code":"audit","reason":"r","hours":"169"}""", "hours"),
            ("""{"scope":"organization","reason_code":"audit","reason":"r","hours":1.5}""", "hours"),
            ("""{"scope":"organization","reason_code":"audit","reason":"r","reader_id":"user_no"}""", "reader_id"),
            ("""{"scope":"organization","reason_code":"audit","reason":"r","from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}""", "to"),
            ("""{"scope":"key","scope_id":"apikey_no","reason_code":"audit","reason":"r"}""", "scope_id"),
        })
            Assert.StartsWith(field + ":", (await AdminAsync(place, people.First, HttpMethod.Post, Reviews, body, 400)).GetProperty("error").Text("message"), StringComparison.Ordinal);
        await AdminAsync(place, people.First, HttpMethod.Post, $"{Reviews}/review_no/approve", null, 404);
        await AdminAsync(place, people.First, HttpMethod.Get, $"{Reviews}?status=open", null, 400);

        string[] at = ["--config", Path.Combine(place.Folder, "demarc.yaml"), "--data", place.Folder];
        var asked = await DemarcCommand.JsonAsync(place.Folder, ["review", "request", "--everything", "--reader", people.ReaderId, "--reason-code", "audit", "--reason", "yearly", .. at]);
        Assert.Contains("another administrator", await DemarcCommand.FailsAsync(1, place.Folder, ["review", "approve", asked.Text("id")!, .. at]), StringComparison.Ordinal);
        Assert.Contains(asked.Text("id")!, await DemarcCommand.DoneAsync(place.Folder, ["review", "list", .. at]), StringComparison.Ordinal);
        await AdminAsync(place, people.Second, HttpMethod.Post, $"{Reviews}/{asked.Text("id")}/approve", null, 200);
        Assert.Contains("approved already", await DemarcCommand.FailsAsync(1, place.Folder, ["review", "deny", asked.Text("id")!, .. at]), StringComparison.Ordinal);
        await DemarcCommand.DoneAsync(place.Folder, ["review", "revoke", asked.Text("id")!, .. at]);
    }

    private static async Task<string> ApprovedAsync(ProxyPlace place, People people, string body)
    {
        var id = (await AdminAsync(place, people.First, HttpMethod.Post, Reviews, body, 200)).Text("id")!;
        await AdminAsync(place, people.Second, HttpMethod.Post, $"{Reviews}/{id}/approve", null, 200);
        return id;
    }

    private static Task AwaitStatusAsync(ProxyPlace place, string url, string key, int status) =>
        GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => (int)(await place.ReadAsync(url, key)).Status == status);

    /// <summary>Two administrators, and a reader with a compliance key and an admin key.</summary>
    private static async Task<People> PeopleAsync(ProxyPlace place)
    {
        await using var store = await place.OpenStoreAsync();
        var organization = (await store.Organizations.ListAsync())[0].Id;
        async Task<User> PersonAsync(string name) => (await store.Users.CreateAsync(organization, $"{name}@contoso.example", name, "admin", StorePlace.Actor))!;
        async Task<(StoredApiKey Key, Secret Secret)> KeyAsync(User user, ApiKeyKind kind) => await store.ApiKeys.CreateAsync(new NewApiKey(organization, kind, "test", "user", user.Id), StorePlace.Actor);
        var reader = await PersonAsync("reader");
        var reading = await KeyAsync(reader, ApiKeyKind.Compliance);
        return new People(
            (await KeyAsync(await PersonAsync("first"), ApiKeyKind.Admin)).Secret.Reveal(), (await KeyAsync(await PersonAsync("second"), ApiKeyKind.Admin)).Secret.Reveal(),
            reader.Id, reading.Key.Id, reading.Secret.Reveal(), (await KeyAsync(reader, ApiKeyKind.Admin)).Secret.Reveal());
    }

    private static async Task<JsonElement> AdminAsync(ProxyPlace place, string key, HttpMethod method, string url, string? body, int status)
    {
        using var request = new HttpRequestMessage(method, url);
        request.Headers.Add("x-api-key", key);
        if (body is not null)
            request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        var (response, answer) = await place.SendAsync(request);
        Assert.True((int)response.StatusCode == status, $"{url} {body}: {answer}");
        return JsonDocument.Parse(answer).RootElement;
    }

    private sealed record People(string First, string Second, string ReaderId, string ReadingId, string Reading, string ReaderAdmin);
}
