using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Governance.Spend;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

public sealed class IncreaseRequestTests
{
    private const string Requests = "/v1/organizations/spend_limit_increase_requests";

    // A policy, with the key of the whole file that links need.
    private static string Limited(string amount) =>
        $"  - limits: [ {{ per: person, period: monthly, amount_usd: \"{amount}\", mode: hard }} ]\npublic_url: https://claude.example.com";

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task The_link_of_a_refusal_opens_a_request_and_its_approval_holds_at_once_for_its_time(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, Limited("0"));
        var token = await TokenAsync(place);

        var (form, page) = await place.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/limits/ask?t={token}"));
        Assert.Equal((HttpStatusCode.OK, "no-referrer"), (form.StatusCode, form.Headers.GetValues("referrer-policy").Single()));
        Assert.Contains("<form method=\"post\"", page, StringComparison.Ordinal);
        var asked = await AskAsync(place, token, "the <b>release</b>");
        Assert.Equal(asked, await AskAsync(place, token, "again"));

        var pending = Assert.Single((await AdminAsync(place, HttpMethod.Get, "?status[]=pending")).GetProperty("data").EnumerateArray());
        var id = pending.GetProperty("id").GetString();
        Assert.Equal(("pending", "monthly", "the <b>release</b>", "0"), (pending.GetProperty("status").GetString(), pending.GetProperty("period").GetString(), pending.GetProperty("reason").GetString(), pending.GetProperty("spend_summary").GetProperty("period_to_date_spend").GetString()));
        // The configuration holds the person to less: for good it is changed there.
        var conflict = await AdminAsync(place, HttpMethod.Post, $"/{id}/approve", """{"amount":"500"}""", 409);
        Assert.Contains("policies[0].limits[0]", conflict.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        var until = TimeProvider.System.GetUtcNow().AddSeconds(3);
        var approved = await AdminAsync(place, HttpMethod.Post, $"/{id}/approve", $$"""{"amount":"500","expires_at":"{{until:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}"}""");
        Assert.Equal(("approved", JsonValueKind.Null, "scoped_api_key_actor"), (approved.GetProperty("status").GetString(), approved.GetProperty("spend_summary").ValueKind, approved.GetProperty("resolved_by").GetProperty("type").GetString()));

        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body()))).Response.StatusCode);
        // The moment itself is what is waited for.
        await Task.Delay(until - TimeProvider.System.GetUtcNow() + TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.SendAsync(place.Ask(ProxyPlace.Body()))).Response.StatusCode);
        await AdminAsync(place, HttpMethod.Post, $"/{id}/deny", "{}", 409);
    }

    [Fact]
    public async Task A_denied_request_is_denied_once_and_not_asked_again_for_a_while()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Limited("0"));
        var token = await TokenAsync(place);
        await AskAsync(place, token, "");
        var id = (await AdminAsync(place, HttpMethod.Get, "")).GetProperty("data")[0].GetProperty("id").GetString();

        await AdminAsync(place, HttpMethod.Post, $"/{id}/deny", """{"suppress_notification":true}""");
        await AdminAsync(place, HttpMethod.Post, $"/{id}/deny", "{}");
        await AdminAsync(place, HttpMethod.Post, $"/{id}/approve", """{"amount":"500"}""", 409);

        var (response, _) = await place.SendAsync(Form(token, "please"));
        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Who_asked_is_told_by_mail_what_was_decided_unless_it_is_suppressed(StoreKind kind)
    {
        using var mail = new MailServer();
        await using var place = await ProxyPlace.StartAsync(
            kind, $"{Limited("0")}\nalerts: {{ email: {{ server: \"127.0.0.1:{mail.Port}\", from: demarc@example.com, to: [finops@example.com] }} }}");
        var address = await place.Store.SqlAsync<string>("SELECT email FROM users WHERE role = 'developer'");

        var first = await AskForAsync(place, LimitPeriod.Daily);
        await AdminAsync(place, HttpMethod.Post, $"/{first}/deny", """{"suppress_notification":true}""");
        var second = await AskForAsync(place, LimitPeriod.Weekly);
        await AdminAsync(place, HttpMethod.Post, $"/{second}/deny", "{}");
        var denied = await mail.NextAsync();
        var third = await AskForAsync(place, LimitPeriod.Monthly);
        await AdminAsync(place, HttpMethod.Post, $"/{third}/approve", """{"amount":"80000","expires_at":"2099-12-24T00:00:00Z"}""");
        var approved = await mail.NextAsync();

        Assert.All([denied, approved], m => Assert.Contains($"RCPT TO:<{address}>", m, StringComparison.Ordinal));
        Assert.All([denied, approved], m => Assert.DoesNotContain("finops", m, StringComparison.Ordinal));
        Assert.Contains($"Request: {second}", Plain(denied), StringComparison.Ordinal);
        Assert.Contains("was not approved", Plain(denied), StringComparison.Ordinal);
        Assert.Contains("$800.00 monthly until 2099-12-24 00:00 UTC", Plain(approved), StringComparison.Ordinal);
        // The first of the three was decided before the others, so that its mail would have come before theirs.
        Assert.True(mail.IsEmpty);
        Assert.Equal(2, await place.Store.SqlAsync<long>("SELECT count(*) FROM spend_alerts WHERE about LIKE 'demarc_spend_limit_increase_%'"));
    }

    // Mail folds its lines.
    private static string Plain(string message) => message.Replace("=\n", "", StringComparison.Ordinal).Replace("=\r\n", "", StringComparison.Ordinal);

    private static async Task<string> AskForAsync(ProxyPlace place, LimitPeriod period)
    {
        var store = await place.Store.OpenAsync();
        var organization = await place.Store.SqlAsync<string>("SELECT organization_id FROM organizations") ?? "";
        var developer = await place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'") ?? "";
        return (await store.IncreaseRequests.OpenAsync(new IncreaseAsk(organization, developer, period), "", StorePlace.Actor))!.Id;
    }

    [Fact]
    public async Task What_is_no_link_of_ours_opens_nothing()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Limited("0"));
        var token = await TokenAsync(place);

        foreach (var wrong in (string[])["", "x", token[..^1] + (token[^1] == 'A' ? 'B' : 'A'), "A" + token[1..], token + "AAAA"])
        {
            Assert.Equal(HttpStatusCode.NotFound, (await place.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/limits/ask?t={wrong}"))).Response.StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await place.SendAsync(Form(wrong, "x"))).Response.StatusCode);
        }
        Assert.Empty((await AdminAsync(place, HttpMethod.Get, "")).GetProperty("data").EnumerateArray());
    }

    [Theory]
    [InlineData("""{"amount":"-1"}""")]
    [InlineData("""{"amount":"1.5"}""")]
    [InlineData("""{"amount":5}""")]
    [InlineData("""{}""")]
    [InlineData("""{"amount":"5","expires_at":"yesterday"}""")]
    [InlineData("""{"amount":"5","expires_at":"2020-01-01T00:00:00Z"}""")]
    [InlineData("""{"amount":"5","period":"yearly"}""")]
    [InlineData("""{"amount":"5","surprise":1}""")]
    [InlineData("""{"amount":"5","suppress_notification":"yes"}""")]
    public async Task What_approves_nothing_is_refused(string body)
    {
        await using var place = await ProxyPlace.StartAsync(policies: Limited("0"));
        await AskAsync(place, await TokenAsync(place), "");
        var id = (await AdminAsync(place, HttpMethod.Get, "")).GetProperty("data")[0].GetProperty("id").GetString();

        await AdminAsync(place, HttpMethod.Post, $"/{id}/approve", body, 400);
        Assert.Equal("pending", (await AdminAsync(place, HttpMethod.Get, $"/{id}")).GetProperty("status").GetString());
    }

    private static async Task<string> TokenAsync(ProxyPlace place)
    {
        var (_, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        var link = Regex.Match(Answers.Error(body).Message, @" Ask for more: https://claude\.example\.com/limits/ask\?t=([A-Za-z0-9_-]+)$");
        Assert.True(link.Success, body);
        return link.Groups[1].Value;
    }

    private static HttpRequestMessage Form(string token, string reason) => new(HttpMethod.Post, "/limits/ask")
    {
        Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["t"] = token, ["reason"] = reason }),
    };

    private static async Task<string> AskAsync(ProxyPlace place, string token, string reason)
    {
        var (response, body) = await place.SendAsync(Form(token, reason));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return Regex.Match(body, "slir_[0-9A-Za-z]+").Value;
    }

    private static Task<JsonElement> AdminAsync(ProxyPlace place, HttpMethod method, string path, string? body = null, int status = 200) =>
        place.AdminAsync(method, Requests + path, body, status);
}
