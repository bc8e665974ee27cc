using System.Net;
using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Logging;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Proxy;

public sealed class RelayTests
{
    // Awkward on purpose: comments, CRLF, an unknown event, escapes, white space, a ping before the stop.
    private const string Stream =
        ": hello\n\n" +
        "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_x\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-6\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":11,\"cache_creation_input_tokens\":0,\"output_tokens\":1}}}\r\n\r\n" +
        "event: ping\ndata: {\"type\": \"ping\"}\n\n" +
        "event: something_new\ndata:   {\"a\" : 1.0}\n\n" +
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"h\\u00e4 \\\"x\\\"\"}}\n\n" +
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n" +
        "event: ping\ndata: {}\n\n" +
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_goes_out_and_comes_back_are_the_same_bytes(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, rules: new ScriptRule { Stream = true, Sse = Stream });
        var body = "{ \"model\" : \"claude-haiku-4-5-20251001\",\"stream\":true,  \"max_tokens\":10,\"x_new\":[1.0,1e3,\"\\u00fc\"],\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}] }";

        var (response, answer) = await place.SendAsync(place.Ask(body, "/v1/messages?beta=true"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Stream, answer);
        var received = Assert.Single(place.Simulator.Log.Read(0));
        Assert.Equal(body, Encoding.UTF8.GetString(received.Body));
        Assert.Equal("/direct/v1/messages?beta=true", received.Target);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("answered", 11L, 7L, "end_turn", "msg_x"), (finished.Result, finished.Usage!.InputTokens, finished.Usage.OutputTokens, finished.StopReason, finished.Provider!.MessageId));
        // 11 input tokens at $1 and 7 output tokens at $5 a million.
        Assert.Equal(11 * 1000 + 7 * 5000, finished.CostNanoUsd);
    }

    [Theory]
    [InlineData("sonnet", "east", "claude-sonnet-4-6")]
    [InlineData("east/my-opus", "east", "my-opus")]
    [InlineData("direct/claude-sonnet-4-6", "direct", "claude-sonnet-4-6")]
    public async Task An_alias_changes_the_models_name_and_nothing_else(string asked, string resource, string dispatched)
    {
        await using var place = await ProxyPlace.StartAsync();
        var body = ProxyPlace.Body(asked);

        var (response, answer) = await place.SendAsync(place.Ask(body));

        Assert.Equal(body.Replace($"\"{asked}\"", $"\"{dispatched}\"", StringComparison.Ordinal), Encoding.UTF8.GetString(place.Simulator.Log.Read(0).Single().Body));
        Assert.Contains($"\"model\":\"{asked}\"", answer, StringComparison.Ordinal);
        Assert.Equal((resource, dispatched), (response.Headers.GetValues("demarc-resource").Single(), response.Headers.GetValues("demarc-deployment").Single()));
        var begun = await place.RecordAsync<BegunRecord>(RecordKind.Begun, _ => true);
        Assert.Equal((asked, $"{resource}/{dispatched}"), (begun.ModelAsked, Assert.Single(begun.Plan)));
        Assert.Equal(["model"], begun.Splices);
        Assert.True(begun.Attempt.ReservedNanoUsd > 0);
    }

    [Fact]
    public async Task A_streams_model_is_named_as_it_was_asked_for()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Sse = Stream });
        var (_, answer) = await place.SendAsync(place.Ask(ProxyPlace.Body("sonnet", stream: true)));
        Assert.Equal(Stream.Replace("\"model\":\"claude-sonnet-4-6\"", "\"model\":\"sonnet\"", StringComparison.Ordinal), answer);
    }

    [Fact]
    public async Task A_model_that_is_not_the_dispatched_name_stays()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Sse = Stream });
        var (_, answer) = await place.SendAsync(place.Ask(ProxyPlace.Body("east/my-opus", stream: true)));
        Assert.Equal(Stream, answer);
    }

    [Fact]
    public async Task Under_a_resources_path_only_its_own_deployments_count()
    {
        await using var place = await ProxyPlace.StartAsync();
        var (found, _) = await place.SendAsync(place.Ask(ProxyPlace.Body("my-opus"), "/east/anthropic/v1/messages"));
        Assert.Equal(HttpStatusCode.OK, found.StatusCode);
        foreach (var (path, model) in new[] { ("/east/anthropic/v1/messages", "sonnet"), ("/direct/anthropic/v1/messages", "my-opus"), ("/nowhere/anthropic/v1/messages", "my-opus") })
        {
            var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(model), path));
            Assert.Equal((HttpStatusCode.BadRequest, "policy_blocked"), (response.StatusCode, Answers.Error(body).Type));
        }
    }

    [Fact]
    public async Task A_name_that_two_resources_hold_is_refused_with_both()
    {
        await using var place = await ProxyPlace.StartAsync();
        var (_, body) = await place.SendAsync(place.Ask(ProxyPlace.Body("claude-sonnet-4-6")));
        Assert.Contains("east/claude-sonnet-4-6, direct/claude-sonnet-4-6", Answers.Error(body).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_cross_but_for_credentials_and_the_connections_own()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule
        {
            Body = "{}",
            Headers = new Dictionary<string, string> { ["x-new"] = "kept", ["set-cookie"] = "a=b", ["anthropic-ratelimit-requests-limit"] = "5", ["request-id"] = "req_provider", ["apim-request-id"] = "apim" },
        });
        var request = place.Ask(ProxyPlace.Body());
        foreach (var (name, value) in new[]
        {
            ("anthropic-beta", "a-2026-01-01,b-2027-02-02"), ("x-claude-code-session-id", "s-1"), ("X-Team", "apollo"), ("cookie", "c=d"),
            ("x-forwarded-for", "1.2.3.4"), ("te", "trailers"), ("x-hop", "gone"), ("proxy-authorization", "Basic x"),
        })
            request.Headers.TryAddWithoutValidation(name, value);
        request.Headers.TryAddWithoutValidation("Connection", "x-hop");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {place.Keys["developer_key"]}");

        var (response, _) = await place.SendAsync(request);

        var sent = place.Simulator.Log.Read(0).Single().Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value);
        Assert.Equal(("a-2026-01-01,b-2027-02-02", "s-1", "apollo", "identity", "upstream-secret"),
            (sent["anthropic-beta"], sent["x-claude-code-session-id"], sent["x-team"], sent["accept-encoding"], sent["x-api-key"]));
        Assert.DoesNotContain(sent, h => h.Key is "cookie" or "x-forwarded-for" or "te" or "x-hop" or "proxy-authorization" or "authorization" or "api-key" || h.Value.Contains("demarc_", StringComparison.Ordinal));
        Assert.Equal("kept", response.Headers.GetValues("x-new").Single());
        Assert.False(response.Headers.Contains("set-cookie") || response.Headers.Contains("anthropic-ratelimit-requests-limit"));
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("req_provider", "apim"), (finished.Provider!.RequestId, finished.Provider.ApimRequestId));
    }

    [Fact]
    public async Task A_chunked_body_is_taken_whole()
    {
        await using var place = await ProxyPlace.StartAsync();
        var request = place.Ask(ProxyPlace.Body(text: new string('x', 200_000)));
        request.Headers.TransferEncodingChunked = true;
        var (response, _) = await place.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(ProxyPlace.Body("claude-sonnet-4-6", text: new string('x', 200_000)), Encoding.UTF8.GetString(place.Simulator.Log.Read(0).Single().Body));
    }

    [Fact]
    public async Task Count_tokens_costs_nothing_and_keeps_nothing()
    {
        await using var place = await ProxyPlace.StartAsync();
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(), "/v1/messages/count_tokens?beta=true"));
        Assert.Contains("input_tokens", body, StringComparison.Ordinal);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal((0L, "answered"), (finished.CostNanoUsd, finished.Result));
        Assert.Equal(0, await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL AND length(content) > 0"));
    }

    [Fact]
    public async Task Events_arrive_as_they_are_sent()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Text = "one two three", Deltas = 3, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var response = await place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: true)), HttpCompletionOption.ResponseHeadersRead, stop.Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop.Token));
        // The upstream is silent after four events and stays so: they are here all the same.
        var seen = 0;
        while (seen < 4)
            seen += (await reader.ReadLineAsync(stop.Token))!.StartsWith("event: ", StringComparison.Ordinal) ? 1 : 0;
        response.Dispose();
        var upstream = place.Simulator.Log.Read(0).Single();
        await upstream.Completion.WaitAsync(TimeSpan.FromSeconds(10), stop.Token);
        Assert.Equal(RequestOutcome.ClientGone, upstream.Outcome);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("client_gone", true), (finished.Result, finished.Incomplete));
        Assert.True(finished.Usage!.InputTokens > 0 && finished.CostNanoUsd > 0);
    }
}
