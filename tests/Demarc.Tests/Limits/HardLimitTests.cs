using System.Net;
using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

public sealed class HardLimitTests
{
    // 4 bytes of a prompt come to a token, 1000 deltas to 1000 tokens: with claude-sonnet-4-6 ($3 and $15 a million) an answer to
    // this prompt costs a little more than $0.015.
    private const int Tokens = 1000;

    private static readonly ScriptRule Answer = new() { Deltas = Tokens };

    private static string Body(bool stream, int maxTokens = Tokens) =>
        $$"""{"model":"sonnet","max_tokens":{{maxTokens}},"stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":"hello"}]}""";

    private static string Policy(string amount, string mode = "hard", string per = "person") =>
        $"  - limits: [ {{ per: {per}, period: monthly, amount_usd: \"{amount}\", mode: {mode} }} ]";

    [Theory]
    [InlineData(StoreKind.Sqlite, false, 50)]
    [InlineData(StoreKind.Sqlite, true, 50)]
    [InlineData(StoreKind.Sqlite, false, 500)]
    [InlineData(StoreKind.Sqlite, true, 500)]
    [InlineData(StoreKind.Sqlite, false, 5000)]
    [InlineData(StoreKind.Sqlite, true, 5000)]
    [InlineData(StoreKind.Postgres, false, 50)]
    [InlineData(StoreKind.Postgres, true, 50)]
    public async Task Of_many_at_once_as_many_are_served_whole_as_fit_and_the_limit_holds(StoreKind kind, bool stream, int requests)
    {
        // 2.5 answers.
        await using var place = await ProxyPlace.StartAsync(kind, Policy("0.04"), Answer);

        var answers = await Task.WhenAll(Enumerable.Range(0, requests).Select(_ => place.SendAsync(place.Ask(Body(stream)))));

        var whole = answers.Count(a => a.Response.StatusCode == HttpStatusCode.OK && (!stream || a.Body.Contains("message_stop", StringComparison.Ordinal)));
        Assert.True(whole == 2, $"{whole} whole: {string.Join(" ", answers.GroupBy(a => (int)a.Response.StatusCode + (a.Response.IsSuccessStatusCode ? "" : a.Body)).Take(9).Select(g => $"{g.Count()} {g.Key}"))}");
        var refused = answers.Where(a => a.Response.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        Assert.Equal(requests - whole, refused.Length + answers.Count(a => a.Body.Contains("event: error", StringComparison.Ordinal)));
        Assert.All(refused, a => Assert.Equal("billing_error", Answers.Error(a.Body).Type));
        await place.ProjectedAsync();
        var spent = await place.Store.SqlAsync<long>("SELECT sum(nano_usd) FROM ledger");
        Assert.InRange(spent, 30_000_000, 40_000_000);
        Assert.Equal(spent, await place.Store.SqlAsync<long>("SELECT settled FROM budgets"));
    }

    [Fact]
    public async Task What_fits_after_others_ended_waits_for_them()
    {
        // Each holds 1000 tokens of output and uses 10: one fits at a time, and all of them one after the other.
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.03"), rules: new ScriptRule { Deltas = 10, LatencyMs = 50 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => place.SendAsync(place.Ask(Body(stream: false)))));

        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.Response.StatusCode));
    }

    [Fact]
    public async Task A_coding_agent_that_asks_for_64000_tokens_near_its_limit_is_served()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.05"), rules: Answer);

        var (response, body) = await place.SendAsync(place.Ask(Body(stream: true, maxTokens: 64_000)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("message_stop", body, StringComparison.Ordinal);
    }

    // The first answer costs far more than was leased for it. Whether the store's total has that by the time of the second request
    // is a race: both ways are tried.
    [Theory, InlineData(true, true), InlineData(true, false), InlineData(false, true), InlineData(false, false)]
    public async Task With_one_dollar_left_of_25_a_coding_agent_that_asks_for_64000_tokens_works(bool stream, bool isProjected)
    {
        // 1.6 million tokens of output at $15 a million are $24.
        var dear = new ScriptRule { Times = 1, Usage = System.Text.Json.JsonSerializer.SerializeToElement(new { input_tokens = 10, output_tokens = 1_600_000 }) };
        await using var place = await ProxyPlace.StartAsync(StoreKind.Sqlite, Policy("25.00"), dear, Answer);
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Body(stream: false)))).Response.StatusCode);
        if (isProjected)
            await place.ProjectedAsync();

        var (response, body) = await place.SendAsync(place.Ask(Body(stream, maxTokens: 64_000)));

        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        Assert.Equal("0.96", response.Headers.GetValues("anthropic-ratelimit-unified-overage-utilization").Single());
        Assert.Contains(stream ? "message_stop" : "end_turn", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_passes_the_limit_ends_with_a_clear_error_and_no_stop_reason()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.02"), rules: new ScriptRule { Deltas = 4000, BetweenEventsMs = 0 });

        var (response, body) = await place.SendAsync(place.Ask(Body(stream: true, maxTokens: 64_000)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.EndsWith("\n\n", body, StringComparison.Ordinal);
        Assert.Contains("event: error\n", body, StringComparison.Ordinal);
        Assert.Contains("spend limit reached (monthly; resets ", body, StringComparison.Ordinal);
        Assert.DoesNotContain("message_delta", body, StringComparison.Ordinal);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("limit_reached", true), (finished.Result, finished.Incomplete));
        Assert.InRange(finished.CostNanoUsd, 1, 20_000_000);
    }

    [Fact]
    public async Task A_whole_answer_is_cut_to_what_is_left_and_the_record_says_so()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.05"), rules: Answer);

        var (response, _) = await place.SendAsync(place.Ask(Body(stream: false, maxTokens: 64_000)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var sent = Encoding.UTF8.GetString(Assert.Single(place.Simulator.Log.Read(0)).Body);
        var begun = await place.RecordAsync<BegunRecord>(RecordKind.Begun, _ => true);
        Assert.Contains("max_tokens", begun.Splices);
        using var json = System.Text.Json.JsonDocument.Parse(sent);
        Assert.InRange(json.RootElement.GetProperty("max_tokens").GetInt32(), 1024, 3333);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_projects_budget_is_for_requests_of_the_project_alone(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(
            kind, "  - match: { projects: [atlas] }\n    limits: [ { per: pool, period: daily, amount_usd: \"0.02\", mode: hard } ]", Answer);
        var store = await place.Store.OpenAsync();
        var organization = await place.Store.SqlAsync<string>("SELECT organization_id FROM organizations") ?? "";
        var developer = await place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'") ?? "";
        var atlas = (await store.Projects.CreateAsync(organization, "atlas", null, null, StorePlace.Actor))!;
        await store.Projects.UpdateMembersAsync(organization, atlas.Id, [developer], [], StorePlace.Actor);

        // Of the project: one answer fits, a second does not. Until the gateway has followed the membership there is no such project.
        var statuses = new List<HttpStatusCode>();
        while (statuses.Count(s => s != HttpStatusCode.BadRequest) < 2)
        {
            var ask = place.Ask(Body(stream: false));
            ask.Headers.Add("demarc-project", "atlas");
            statuses.Add((await place.SendAsync(ask)).Response.StatusCode);
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.TooManyRequests], statuses.Where(s => s != HttpStatusCode.BadRequest));
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Body(stream: false)))).Response.StatusCode);
    }
}
