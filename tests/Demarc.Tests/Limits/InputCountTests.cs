using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Demarc.Tests.Upstreams;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>
/// Prompts of 40,000 bytes, which the simulator counts and bills as 10,000 tokens. On claude-sonnet-4-6 ($3 and $15 a million)
/// that is $0.03 of input, four times as much by the bytes, and $0.015 of output.
/// </summary>
public sealed class InputCountTests
{
    private static readonly ScriptRule Answer = new() { Path = "*/messages", Deltas = 1000 };

    private static readonly string Prompt = new('x', 40_000);

    private static string Body(bool stream, int maxTokens = 1000) =>
        $$"""{"temperature":1,"model":"sonnet","max_tokens":{{maxTokens}},"messages":[{"role":"user","content":"{{Prompt}}"}],"stream":{{(stream ? "true" : "false")}},"system":"be brief"}""";

    private static string Policy(string amount) => $"  - limits: [ {{ per: person, period: monthly, amount_usd: \"{amount}\", mode: hard }} ]";

    [Theory, InlineData(StoreKind.Sqlite, true), InlineData(StoreKind.Sqlite, false), InlineData(StoreKind.Postgres, true)]
    public async Task What_fits_by_the_deployments_own_count_is_served_though_its_bytes_would_not_fit(StoreKind kind, bool stream)
    {
        await using var place = await ProxyPlace.StartAsync(kind, Policy("0.06"), Answer);

        var (response, body) = await place.SendAsync(place.Ask(Body(stream)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains(stream ? "message_stop" : "end_turn", body, StringComparison.Ordinal);
        Assert.Equal(["/east/anthropic/v1/messages/count_tokens", "/east/anthropic/v1/messages"], Targets(place));
        // What counting refuses is left out, and the rest stays as it is.
        Assert.Equal(
            $$"""{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"{{Prompt}}"}],"system":"be brief"}""",
            Encoding.UTF8.GetString(place.Simulator.Log.Read(0)[0].Body));
        var counted = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_spend_input_counted");
        Assert.Equal((response.RequestId(), "east", "claude-sonnet-4-6"), (counted.Fields["request_id"], counted.Fields["resource"], counted.Fields["deployment"]));
        Assert.DoesNotContain("max_tokens", (await place.RecordAsync<BegunRecord>(RecordKind.Begun, _ => true)).Splices);
    }

    [Fact]
    public async Task Away_from_a_limit_nothing_is_counted()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.14"), rules: Answer);

        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Body(stream: false)))).Response.StatusCode);

        Assert.Equal(["/east/anthropic/v1/messages"], Targets(place));
    }

    [Fact]
    public async Task What_does_not_fit_by_the_count_either_is_refused()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.04"), rules: Answer);

        var (response, body) = await place.SendAsync(place.Ask(Body(stream: true)));

        Assert.Equal((HttpStatusCode.TooManyRequests, "billing_error"), (response.StatusCode, Answers.Error(body).Type));
        Assert.Equal(["/east/anthropic/v1/messages/count_tokens"], Targets(place));
    }

    [Fact]
    public async Task Where_not_even_the_answer_would_fit_nothing_leaves()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.01"), rules: Answer);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.SendAsync(place.Ask(Body(stream: true)))).Response.StatusCode);

        Assert.Empty(Targets(place));
    }

    [Fact]
    public async Task A_whole_answer_is_cut_by_the_count_and_not_by_the_bytes()
    {
        // By the bytes $0.01 would be left for output, by the count (5 % more than it) nearly $0.10: 6,500 tokens.
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.13"), rules: Answer);

        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Body(stream: false, maxTokens: 64_000)))).Response.StatusCode);

        using var sent = JsonDocument.Parse(place.Simulator.Log.Read(0)[^1].Body);
        Assert.InRange(sent.RootElement.GetProperty("max_tokens").GetInt32(), 6_400, 6_600);
    }

    [Fact]
    public async Task Many_at_once_wait_for_one_another_by_what_they_really_come_to()
    {
        // Each costs $0.045 and a little; by the bytes none would fit beside another one, by the count two do.
        await using var place = await ProxyPlace.StartAsync(policies: Policy("0.50"), rules: Answer);

        var answers = await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => place.SendAsync(place.Ask(Body(stream: false)))));

        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.Response.StatusCode));
        await place.ProjectedAsync();
        Assert.InRange(await place.Store.SqlAsync<long>("SELECT sum(nano_usd) FROM ledger"), 400_000_000, 500_000_000);
    }

    [Theory]
    [InlineData(FaultKind.Overloaded)]
    [InlineData(FaultKind.ResetBeforeHeaders)]
    [InlineData(FaultKind.Truncate)]
    [InlineData(FaultKind.SilenceBeforeHeaders)]
    public async Task A_deployment_that_does_not_say_leaves_the_bound_from_the_bytes(FaultKind fault)
    {
        await using var place = await ProxyPlace.StartAsync(
            policies: Policy("0.06"), rules: [new ScriptRule { Path = "*/count_tokens", Fault = new ScriptFault { Kind = fault, DurationMs = 30_000 } }, Answer]);

        var (response, body) = await place.SendAsync(place.Ask(Body(stream: true)));

        Assert.Equal((HttpStatusCode.TooManyRequests, "billing_error"), (response.StatusCode, Answers.Error(body).Type));
        Assert.Equal(["/east/anthropic/v1/messages/count_tokens"], Targets(place));
    }

    [Theory]
    [InlineData("{ name: it, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { bearer_token: sk-known }, deployments: [ { name: anthropic.claude-sonnet-4-6-v1, model: claude-sonnet-4-6 } ] }", "anthropic.claude-sonnet-4-6-v1", "/model/anthropic.claude-sonnet-4-6-v1/count-tokens")]
    [InlineData("{ name: it, platform: vertex, endpoint: SIMULATOR, region: global, project: contoso-1, credential: { google: { file: google.json } }, deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6 } ] }", "claude-sonnet-4-6", "/v1/projects/contoso-1/locations/global/publishers/anthropic/models/count-tokens:rawPredict")]
    public async Task Every_platform_counts_in_its_own_way(string resource, string deployment, string counts)
    {
        await using var place = await UpstreamPlace.StartAsync();
        using var rsa = RSA.Create(2048);
        PlatformTests.WriteServiceAccount(place, rsa);
        place.Simulator.Tokens.AddServiceAccount("demarc@contoso-1.example", rsa.ExportParameters(includePrivateParameters: false));
        place.Simulator.Script.Set([new ScriptRule { Path = "*claude-sonnet-4-6*ict", Deltas = 1000 }]);
        await place.ServeAsync($"  - {resource}\naliases: {{ sonnet: [it/{deployment}] }}\npolicies:\n{Policy("0.06")}");

        var (response, body) = await place.AskAsync(Body(stream: true));

        Assert.True(response.IsSuccessStatusCode, body);
        Assert.Contains(place.Simulator.Log.Read(0), r => r.Target == counts);
        Assert.Contains("message_stop", body, StringComparison.Ordinal);
    }

    private static string[] Targets(ProxyPlace place) => [.. place.Simulator.Log.Read(0).Select(r => r.Target)];
}
