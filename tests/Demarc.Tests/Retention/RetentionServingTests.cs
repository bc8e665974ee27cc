using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Compliance;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Retention;

/// <summary>Retention and holds as people meet them: over HTTP and on the command line.</summary>
public sealed class RetentionServingTests
{
    private const string Holds = "/v1/organizations/legal_holds";

    [Fact]
    public async Task Content_past_its_retention_is_not_shown_even_before_a_sweep_and_a_hold_keeps_it()
    {
        var time = new SteppedTime();
        await using var gateway = await GatewayFixture.StartAsync(ProxyYaml("retention: { transcripts: 2d, every: never }"), time);
        using var ask = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/messages")) { Content = new StringContent(ProxyPlace.Body(text: "to be forgotten"), Encoding.UTF8, "application/json") };
        ask.Headers.Add("x-api-key", gateway.DeveloperKey);
        ask.Headers.Add("anthropic-version", "2023-06-01");
        Assert.True((await gateway.Http.SendAsync(ask, TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        var session = (await gateway.RequestsAsync())[0].SessionId;
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => await StatusAsync(gateway, $"{Sessions}/{session}") == HttpStatusCode.OK);
        Assert.Contains("to be forgotten", await ReadAsync(gateway, $"{Sessions}/{session}/messages", 200), StringComparison.Ordinal);

        time.Step(TimeSpan.FromDays(2.1));
        foreach (var url in new[] { $"{Sessions}/{session}", $"{Sessions}/{session}/messages" })
            await ReadAsync(gateway, url, 404);
        Assert.DoesNotContain(session, await ReadAsync(gateway, Sessions, 200), StringComparison.Ordinal);

        var hold = await AdminAsync(gateway, HttpMethod.Post, Holds, $$"""{"name":"case 7","reason":"a claim","scope":"session","scope_id":"{{session}}"}""", 200);
        Assert.Contains("to be forgotten", await ReadAsync(gateway, $"{Sessions}/{session}/messages", 200), StringComparison.Ordinal);
        await AdminAsync(gateway, HttpMethod.Post, $"{Holds}/{hold.Text("id")}/release", "", 200);
        await ReadAsync(gateway, $"{Sessions}/{session}/messages", 404);
    }

    [Fact]
    public async Task Holds_are_made_listed_and_released_and_bad_input_is_refused_with_the_field()
    {
        await using var place = await ProxyPlace.StartAsync();
        var made = await place.AdminAsync(HttpMethod.Post, Holds, """{"name":"case 7","reason":"a claim","scope":"organization","from":"2026-01-01T00:00:00Z"}""");
        Assert.Equal(("legal_hold", "organization", "2026-01-01T00:00:00.000Z"), (made.Text("type"), made.Text("scope"), made.Text("from")));
        Assert.Equal(made.Text("id"), (await place.AdminAsync(HttpMethod.Get, $"{Holds}/{made.Text("id")}")).Text("id"));
        Assert.Single((await place.AdminAsync(HttpMethod.Get, Holds)).Data());
        foreach (var (body, field) in new[]
        {
            ("""{"reason":"a","scope":"organization"}""", "name"),
            ("""{"name":"a","reason":"","scope":"organization"}""", "reason"),
            ("""{"name":"a","reason":"b","scope":"planet"}""", "scope"),
            ("""{"name":"a","reason":"b","scope":"user"}""", "scope_id"),
            ("""{"name":"a","reason":"b","scope":"user","scope_id":"user_none"}""", "scope_id"),
            ("""{"name":"a","reason":"b","scope":"group","scope_id":"no"}""", "scope_id"),
            ("""{"name":"a","reason":"b","scope":"session","scope_id":"clls_no"}""", "scope_id"),
            ("""{"name":"a","reason":"b","scope":"organization","from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}""", "to"),
            ("""{"name":"a","reason":"b","scope":"organization","until":"x"}""", "'until'"),
        })
            Assert.StartsWith(field + ":", (await place.AdminAsync(HttpMethod.Post, Holds, body, 400)).GetProperty("error").Text("message"), StringComparison.Ordinal);
        Assert.Equal("not_found_error", (await place.AdminAsync(HttpMethod.Post, $"{Holds}/hold_no/release", "", 404)).GetProperty("error").Text("type"));

        await place.AdminAsync(HttpMethod.Post, $"{Holds}/{made.Text("id")}/release", "");
        await place.AdminAsync(HttpMethod.Post, $"{Holds}/{made.Text("id")}/release", "", 409);
        Assert.Empty((await place.AdminAsync(HttpMethod.Get, Holds)).Data());
        Assert.Single((await place.AdminAsync(HttpMethod.Get, $"{Holds}?released=true")).Data());
        await place.ActivitiesAsync(2, "demarc_legal_hold_created", "demarc_legal_hold_released");
    }

    [Fact]
    public async Task The_command_line_shows_sweeps_and_holds()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { capture: full, retention: { activities: 400d } }\n  - { match: { users: [developer@demarc.example] }, retention: { transcripts: 1d } }");
        await place.AskAsync("s1", User("hi"));
        await place.ActivitiesAsync(1, "demarc_inference");
        string[] at = ["--config", Path.Combine(place.Folder, "demarc.yaml"), "--data", place.Folder];

        var rules = await DemarcCommand.JsonAsync(place.Folder, ["retention", "show", .. at]);
        Assert.Equal(
            [("transcripts", "180"), ("activities", "400"), ("ledger", ""), ("identities", ""), ("transcripts", "1")],
            rules.EnumerateArray().Select(r => (r.Text("class")!, r.GetProperty("days").ToString())));
        // As old as two days, beside the program.
        await place.Store.SqlAsync<int>("UPDATE records SET at = at - 172800000 WHERE kind IN (1, 3)");
        await place.Store.SqlAsync<int>("UPDATE sessions SET created_at = created_at - 172800000, last_at = last_at - 172800000");
        var hold = await DemarcCommand.JsonAsync(place.Folder, ["hold", "create", "case 7", "--reason", "a claim", "--user", "developer@demarc.example", .. at]);
        Assert.Equal((0, 1), Counts(await DemarcCommand.JsonAsync(place.Folder, ["retention", "run", .. at])));
        Assert.Contains(hold.Text("id")!, await DemarcCommand.DoneAsync(place.Folder, ["hold", "list", .. at]), StringComparison.Ordinal);
        await DemarcCommand.DoneAsync(place.Folder, ["hold", "release", hold.Text("id")!, .. at]);
        Assert.Contains("There is no hold hold_x", await DemarcCommand.FailsAsync(1, place.Folder, ["hold", "release", "hold_x", .. at]), StringComparison.Ordinal);
        Assert.Equal((1, 0), Counts(await DemarcCommand.JsonAsync(place.Folder, ["retention", "run", "--dry-run", .. at])));
        Assert.Equal((1, 0), Counts(await DemarcCommand.JsonAsync(place.Folder, ["retention", "run", .. at])));
        Assert.Equal((0, 0), Counts(await DemarcCommand.JsonAsync(place.Folder, ["retention", "run", .. at])));
        Assert.Equal(0, await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL"));
        Assert.Contains("Pass one of", await DemarcCommand.FailsAsync(1, place.Folder, ["hold", "create", "a", "--reason", "b", .. at]), StringComparison.Ordinal);

        static (int, int) Counts(JsonElement report) => (report.GetProperty("sessions").GetInt32(), report.GetProperty("sessions_held").GetInt32());
    }

    internal static string ProxyYaml(string more) => ServingConfig.Yaml("SIMULATOR", "aliases: { sonnet: [east/claude-sonnet-4-6] }\n" + more);

    private static async Task<HttpStatusCode> StatusAsync(GatewayFixture gateway, string url)
    {
        using var response = await SendAsync(gateway, HttpMethod.Get, url, gateway.ComplianceKey, null);
        return response.StatusCode;
    }

    private static async Task<string> ReadAsync(GatewayFixture gateway, string url, int status)
    {
        using var response = await SendAsync(gateway, HttpMethod.Get, url, gateway.ComplianceKey, null);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((int)response.StatusCode == status, $"{url}: {(int)response.StatusCode} {body}");
        return body;
    }

    private static async Task<JsonElement> AdminAsync(GatewayFixture gateway, HttpMethod method, string url, string body, int status)
    {
        using var response = await SendAsync(gateway, method, url, gateway.AdminKey, body);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((int)response.StatusCode == status, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static async Task<HttpResponseMessage> SendAsync(GatewayFixture gateway, HttpMethod method, string url, string key, string? body)
    {
        using var request = new HttpRequestMessage(method, new Uri(gateway.Url, url));
        request.Headers.Add("x-api-key", key);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
