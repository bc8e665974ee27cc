using System.Net;
using System.Text;
using System.Text.Json;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Demarc.Tests.Proxy;

public sealed class FailoverTests
{
    private const string Configuration = """
        max_body_bytes: 1MiB
        resources:
          - name: one
            platform: foundry
            endpoint: SIMULATOR/one/anthropic
            region: eastus2
            credential: { api_key: sk-one }
            deployments:
              - { name: first, model: claude-sonnet-4-6, hosting: anthropic }
              - { name: slow, model: claude-sonnet-4-6, hosting: anthropic, requests_per_minute: 1 }
          - name: two
            platform: foundry
            endpoint: SIMULATOR/two/anthropic
            region: eastus2
            credential: { api_key: sk-two }
            deployments:
              - { name: second, model: claude-sonnet-4-6, hosting: anthropic }
              - { name: azure, model: claude-sonnet-4-6, hosting: azure }
        aliases:
          sonnet: [one/first, two/second]
          hosted: [one/first, two/azure]
          anywhere: { failover: any, tiers: [one/first, two/azure] }
          narrow: [one/slow, two/second]
        policies:
          - capture: full
        """;

    [Theory]
    [InlineData(FaultKind.ServerError)]
    [InlineData(FaultKind.Overloaded)]
    [InlineData(FaultKind.RateLimited)]
    [InlineData(FaultKind.Unauthorized)]
    [InlineData(FaultKind.Forbidden)]
    [InlineData(FaultKind.NotFound)]
    [InlineData(FaultKind.ResetBeforeHeaders)]
    public async Task What_a_deployment_cannot_serve_the_next_one_does_and_both_are_on_record(FaultKind fault)
    {
        await using var place = await StartAsync(new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = fault } });

        var response = await AskAsync(place, "sonnet", stream: fault is FaultKind.ServerError);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("second", response.Headers.GetValues("demarc-deployment").Single());
        Assert.Contains("end_turn", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);

        var request = Assert.Single(await place.RequestsAsync());
        Assert.Equal(("one/first two/second", "first", 1), (string.Join(' ', request.Begun.Plan), request.Begun.Attempt.Deployment, request.Begun.Attempt.Number));
        Assert.Equal(("answered", 2), (request.Finished.Result, request.Finished.Attempt));
        Assert.Equal(("two", "second"), (request.Finished.AnsweredBy?.Resource, request.Finished.AnsweredBy?.Deployment));
        var activity = await ActivityAsync(place);
        Assert.Equal(("two", "second"), (activity.GetProperty("resource").GetString(), activity.GetProperty("deployment").GetString()));
        var attempt = Assert.Single(await AttemptsAsync(place));
        Assert.Equal((2, "second", fault == FaultKind.ResetBeforeHeaders ? "connection_lost" : $"status_{Status(fault)}"), (attempt.Number, attempt.Deployment, attempt.After));
        Assert.True(request.ContentBytes > 0);
        // What was cut off may be billed, and stands at its bound; an answer that refuses is not.
        Assert.Equal(fault == FaultKind.ResetBeforeHeaders ? request.Begun.Attempt.ReservedNanoUsd : (long?)null, attempt.AfterNanoUsd);
    }

    private static async Task<JsonElement> ActivityAsync(GatewayFixture place)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, new Uri(place.Url, "/v1/compliance/activities?activity_types[]=demarc_inference"));
            ask.Headers.Add("x-api-key", place.ComplianceKey);
            using var answer = await place.Http.SendAsync(ask, patience.Token);
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(patience.Token));
            if (json.RootElement.GetProperty("data").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } activity)
                return activity.Clone();
            // Activities follow the log, and tell no client when.
            await Task.Delay(20, patience.Token);
        }
    }

    [Fact]
    public async Task The_same_bytes_go_to_each_deployment()
    {
        await using var place = await StartAsync(new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = FaultKind.ServerError } });
        var text = new string('x', 300_000);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(place, "sonnet", text: text)).StatusCode);

        var bodies = place.Simulator.Log.Read().Select(r => Encoding.UTF8.GetString(r.Body)).ToArray();
        Assert.Equal(2, bodies.Length);
        Assert.Equal(ProxyPlace.Body("first", text: text), bodies[0]);
        Assert.Equal(ProxyPlace.Body("second", text: text), bodies[1]);
    }

    [Fact]
    public async Task What_is_the_clients_fault_goes_nowhere_else()
    {
        await using var place = await StartAsync(new ScriptRule { Path = "/one/*", Status = 400, Body = """{"type":"error","error":{"type":"invalid_request_error","message":"no"}}""" });
        Assert.Equal(HttpStatusCode.BadRequest, (await AskAsync(place, "sonnet")).StatusCode);
        Assert.Empty(await AttemptsAsync(place));
    }

    [Theory]
    [InlineData("hosted", HttpStatusCode.InternalServerError)]
    [InlineData("anywhere", HttpStatusCode.OK)]
    public async Task Another_hosting_takes_over_only_where_the_alias_says_so(string model, HttpStatusCode status)
    {
        await using var place = await StartAsync(new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = FaultKind.ServerError } });
        Assert.Equal(status, (await AskAsync(place, model)).StatusCode);
    }

    [Fact]
    public async Task Failover_never_crosses_what_policy_refuses()
    {
        var policies = Configuration.Replace("  - capture: full", "  - { require: { hosting: [anthropic] } }", StringComparison.Ordinal);
        await using var place = await StartAsync(policies, null, new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = FaultKind.ServerError } });
        var response = await AskAsync(place, "anywhere");
        Assert.Equal((HttpStatusCode.InternalServerError, "first"), (response.StatusCode, response.Headers.GetValues("demarc-deployment").Single()));
        Assert.All(place.Simulator.Log.Read(), r => Assert.StartsWith("/one/", r.Target, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failing_deployment_is_left_alone_probed_by_one_call_and_its_sessions_return_after_the_caches_life()
    {
        var time = new SteppedTime();
        await using var place = await StartAsync(Configuration, time, new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = FaultKind.NotFound }, Times = 1 });

        Assert.Equal("second", await ServedByAsync(place, "s1"));
        // It failed in a way that lasts: nobody asks it, and it works again by now.
        Assert.Equal("second", await ServedByAsync(place, "s2"));
        Assert.Equal(1, Asked(place, "/one/"));
        time.Step(TimeSpan.FromSeconds(16));
        // A new session probes it; those that moved stay for the life of their cache.
        Assert.Equal("first", await ServedByAsync(place, "s3"));
        Assert.Equal("second", await ServedByAsync(place, "s1"));
        time.Step(TimeSpan.FromMinutes(5));
        Assert.Equal("first", await ServedByAsync(place, "s1"));
        Assert.Equal("first", await ServedByAsync(place, "s2"));
    }

    [Fact]
    public async Task A_deployment_that_is_full_gives_way_and_alone_says_when_to_come_back()
    {
        await using var place = await StartAsync(Configuration, new SteppedTime());
        Assert.Equal("slow", await ServedByAsync(place, "s1", "narrow"));
        Assert.Equal("second", await ServedByAsync(place, "s1", "narrow"));
        var alone = await AskAsync(place, "slow");
        Assert.Equal((HttpStatusCode.TooManyRequests, "5"), (alone.StatusCode, alone.Headers.RetryAfter?.ToString()));
        Assert.Contains("rate_limit_error", await alone.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_all_fail_the_last_ones_answer_is_the_clients()
    {
        await using var place = await StartAsync(
            new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = FaultKind.ServerError } },
            new ScriptRule { Path = "/two/*", Fault = new ScriptFault { Kind = FaultKind.Overloaded } });
        Assert.Equal(529, (int)(await AskAsync(place, "sonnet")).StatusCode);
        var request = Assert.Single(await place.RequestsAsync());
        Assert.Equal(("upstream_error", 2, 529), (request.Finished.Result, request.Finished.Attempt, request.Finished.Status));
    }

    // 2,000 bytes of a prompt are bounded at $0.006, and 64 tokens of output cost $0.00096: one attempt fits into a cent, two into two.
    [Theory]
    [InlineData("0.01", HttpStatusCode.TooManyRequests, 0)]
    [InlineData("0.02", HttpStatusCode.OK, 1)]
    public async Task What_an_attempt_that_was_lost_may_cost_stays_reserved_beside_the_next_one(string amount, HttpStatusCode status, int next)
    {
        var limited = Configuration.Replace("- capture: full", $"- limits: [ {{ per: person, period: monthly, amount_usd: \"{amount}\", mode: hard }} ]", StringComparison.Ordinal);
        await using var place = await StartAsync(limited, null, new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = FaultKind.ResetBeforeHeaders } });

        var response = await AskAsync(place, "sonnet", text: new string('x', 2000));

        Assert.Equal(status, response.StatusCode);
        Assert.Equal((1, next), (Asked(place, "/one/"), Asked(place, "/two/")));
        var request = Assert.Single(await place.RequestsAsync());
        Assert.Equal(next == 0 ? ("upstream_lost", true) : ("answered", false), (request.Finished.Result, request.Finished.Incomplete));
        Assert.InRange(next == 0 ? request.Finished.CostNanoUsd : Assert.Single(await AttemptsAsync(place)).AfterNanoUsd ?? 0, 6_900_000, 8_000_000);
    }

    private static int Status(FaultKind fault) => fault switch
    {
        FaultKind.ServerError => 500,
        FaultKind.Overloaded => 529,
        FaultKind.RateLimited => 429,
        FaultKind.Unauthorized => 401,
        FaultKind.Forbidden => 403,
        _ => 404,
    };

    private static Task<GatewayFixture> StartAsync(params ScriptRule[] rules) => StartAsync(Configuration, null, rules);

    private static async Task<GatewayFixture> StartAsync(string configuration, TimeProvider? time, params ScriptRule[] rules)
    {
        var place = await GatewayFixture.StartAsync(configuration, time);
        if (rules.Length > 0)
            place.Simulator.Script.Set(rules);
        return place;
    }

    private static int Asked(GatewayFixture place, string path) => place.Simulator.Log.Read().Count(r => r.Target.StartsWith(path, StringComparison.Ordinal));

    private static async Task<string> ServedByAsync(GatewayFixture place, string session, string model = "sonnet")
    {
        var response = await AskAsync(place, model, session: session);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response.Headers.GetValues("demarc-deployment").Single();
    }

    private static async Task<HttpResponseMessage> AskAsync(GatewayFixture place, string model, bool stream = false, string text = "hello", string session = "s")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(place.Url, "/v1/messages")) { Content = new StringContent(ProxyPlace.Body(model, stream, text), null, "application/json") };
        request.Headers.Add("x-api-key", place.DeveloperKey);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-claude-code-session-id", session);
        return await place.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task<AttemptRecord[]> AttemptsAsync(GatewayFixture place)
    {
        await place.Gateway.Store.SettledAsync();
        await using var connection = new SqliteConnection($"Data Source={place.DataDirectory}/demarc.db;Mode=ReadOnly;Pooling=false");
        var rows = await connection.QueryAsync<byte[]>("SELECT body FROM records WHERE kind = 2 ORDER BY sequence");
        return [.. rows.Select(row => JsonSerializer.Deserialize(row, RecordJson.Default.AttemptRecord)!)];
    }
}
