using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

public sealed class LimitClientTests
{
    private const string Prefix = "anthropic-ratelimit-unified-";

    private static string Limits(string amount, string mode) =>
        $"  - limits: [ {{ per: person, period: monthly, amount_usd: \"{amount}\", mode: {mode} }} ]\n" +
        "refusals: { text: Ask your lead., link: https://intranet.example.com/claude }";

    [Fact]
    public async Task A_refusal_has_the_shape_that_claude_code_shows_and_does_not_retry()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Limits("0", "hard"));

        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        var (type, message) = Answers.Error(body);
        Assert.Equal("billing_error", type);
        Assert.Matches(@"^spend limit reached \(monthly; resets \d{4}-\d\d-01 00:00 UTC\) Ask your lead\. https://intranet\.example\.com/claude$", message);
        Assert.Equal(("false", "rejected", "org_spend_cap_reached", "monthly"), (Header(response, "x-should-retry"), Header(response, Prefix + "status"), Header(response, Prefix + "overage-disabled-reason"), Header(response, Prefix + "overage-period")));
        Assert.True(response.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        Assert.Null(Header(response, Prefix + "representative-claim"));
        Assert.Null(Header(response, Prefix + "overage-status"));
        Assert.Empty(place.Simulator.Log.Read(0));
        var refused = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_inference_refused");
        Assert.Equal(("spend_limit_reached", "policies[0].limits[0]"), (refused.Fields["reason"], refused.Fields["rule"]));
    }

    [Fact]
    public async Task Counting_tokens_is_never_limited()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Limits("0", "hard"));

        var (response, _) = await place.SendAsync(place.Ask(ProxyPlace.Body(), "/v1/messages/count_tokens"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory, InlineData("soft", StoreKind.Sqlite), InlineData("hard", StoreKind.Sqlite), InlineData("soft", StoreKind.Postgres)]
    public async Task Answers_say_where_a_person_stands_and_usage_shows_it(string mode, StoreKind kind)
    {
        // An answer costs a little more than $0.0015: 76 % of $0.002.
        await using var place = await ProxyPlace.StartAsync(kind, Limits(mode == "soft" ? "0.00" : "0.02", mode), new ScriptRule { Deltas = 1000 });
        var first = await place.SendAsync(place.Ask(ProxyPlace.Body().Replace("64", "1000", StringComparison.Ordinal)));

        Assert.Equal(HttpStatusCode.OK, first.Response.StatusCode);
        var warns = mode == "soft" || Header(first.Response, Prefix + "overage-surpassed-threshold") is not null;
        Assert.Equal(warns ? "allowed_warning" : "allowed", Header(first.Response, Prefix + "status"));
        Assert.Equal("overage", Header(first.Response, Prefix + "representative-claim"));
        Assert.Equal(mode == "soft" ? "0.99" : "0.75", Header(first.Response, Prefix + "overage-utilization"));
        var usage = await UsageAsync(place);
        var extra = usage.GetProperty("extra_usage");
        Assert.Equal((true, mode == "soft" ? 0 : 2, 1), (extra.GetProperty("is_enabled").GetBoolean(), extra.GetProperty("monthly_limit").GetInt32(), extra.GetProperty("used_credits").GetInt32()));
        Assert.Equal("spend", Assert.Single(usage.GetProperty("limits").EnumerateArray()).GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Without_limits_usage_is_empty_and_answers_have_no_headers()
    {
        await using var place = await ProxyPlace.StartAsync();

        var (response, _) = await place.SendAsync(place.Ask(ProxyPlace.Body()));

        Assert.Null(Header(response, Prefix + "status"));
        var usage = await UsageAsync(place);
        Assert.False(usage.GetProperty("extra_usage").GetProperty("is_enabled").GetBoolean());
        Assert.Empty(usage.GetProperty("limits").EnumerateArray());
    }

    [Fact]
    public async Task The_clients_question_for_its_quota_is_answered_here()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Limits("5.00", "hard"));

        var (response, body) = await place.SendAsync(place.Ask("""{"model":"claude-haiku-4-5-20251001","max_tokens":1,"messages":[{"role":"user","content":"quota"}]}"""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("allowed", Header(response, Prefix + "status"));
        Assert.Equal("message", JsonDocument.Parse(body).RootElement.GetProperty("type").GetString());
        Assert.Empty(place.Simulator.Log.Read(0));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_limit_set_by_the_api_is_hard_and_holds_at_once(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        var user = await place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'");

        var set = await AdminAsync(place, HttpMethod.Post, "", $$$"""{"scope":{"type":"user","user_id":"{{{user}}}"},"amount":"0"}""");
        var id = set.GetProperty("id").GetString();
        Assert.Equal(("spend_limit", "0", "monthly", "hard"), (set.GetProperty("type").GetString(), set.GetProperty("amount").GetString(), set.GetProperty("period").GetString(), set.GetProperty("mode").GetString()));
        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.SendAsync(place.Ask(ProxyPlace.Body()))).Response.StatusCode);
        var row = Assert.Single((await AdminAsync(place, HttpMethod.Get, "/effective")).GetProperty("data").EnumerateArray());
        Assert.Equal((id, "user", "0"), (row.GetProperty("spend_limit_id").GetString(), row.GetProperty("source").GetProperty("type").GetString(), row.GetProperty("amount").GetString()));

        await AdminAsync(place, HttpMethod.Delete, "/" + id);
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body()))).Response.StatusCode);
        await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_spend_limit_deleted");
    }

    [Theory]
    [InlineData("""{"scope":{"type":"organization"},"amount":"-1"}""")]
    [InlineData("""{"scope":{"type":"organization"},"amount":"1.5"}""")]
    [InlineData("""{"scope":{"type":"organization"},"amount":"99999999999999999999"}""")]
    [InlineData("""{"scope":{"type":"organization"},"amount":"ten"}""")]
    [InlineData("""{"scope":{"type":"organization"},"amount":5}""")]
    [InlineData("""{"scope":{"type":"organization"}}""")]
    [InlineData("""{"scope":{"type":"seat_tier"},"amount":"5"}""")]
    [InlineData("""{"scope":{"type":"user","user_id":"user_x"},"amount":"5"}""")]
    [InlineData("""{"scope":{"type":"organization"},"amount":"5","period":"yearly"}""")]
    [InlineData("""{"scope":{"type":"organization"},"amount":"5","currency":"EUR"}""")]
    [InlineData("""{"scope":{"type":"organization"},"amount":"5","surprise":1}""")]
    public async Task What_is_no_limit_is_refused(string body)
    {
        await using var place = await ProxyPlace.StartAsync();

        var answer = await AdminAsync(place, HttpMethod.Post, "", body, 400);

        Assert.Equal("invalid_request_error", answer.GetProperty("error").GetProperty("type").GetString());
    }

    private static async Task<JsonElement> UsageAsync(ProxyPlace place)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/oauth/usage");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", place.Keys["developer_key"]);
        var (response, body) = await place.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonDocument.Parse(body).RootElement;
    }

    private static Task<JsonElement> AdminAsync(ProxyPlace place, HttpMethod method, string path, string? body = null, int status = 200) =>
        place.AdminAsync(method, "/v1/organizations/spend_limits" + path, body, status);

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.Single() : null;
}
