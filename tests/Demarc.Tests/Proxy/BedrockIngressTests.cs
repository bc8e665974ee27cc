using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Amazon Bedrock's InvokeModel as a client speaks it, byte by byte.</summary>
public sealed class BedrockIngressTests
{
    private const string Invoke = """{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["x-2026-01-01"],"max_tokens":64,"messages":[{"role":"user","content":"hello"}]}""";

    [Theory]
    [InlineData("/model/sonnet/invoke")]
    [InlineData("/bedrock/model/sonnet/invoke")]
    [InlineData("/model/east%2Fclaude-sonnet-4-6/invoke")]
    [InlineData("/model/east/claude-sonnet-4-6/invoke")]
    [InlineData("/east/model/claude-sonnet-4-6/invoke")]
    public async Task The_path_names_the_model_and_the_provider_gets_its_own_form(string path)
    {
        await using var place = await ProxyPlace.StartAsync();

        var (response, answer) = await place.SendAsync(place.Ask(Invoke, path));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("Echo: hello", answer, StringComparison.Ordinal);
        var received = place.Simulator.Log.Read().Single();
        Assert.Equal("""{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[{"role":"user","content":"hello"}]}""", Encoding.UTF8.GetString(received.Body));
        Assert.Equal("x-2026-01-01", received.Header("anthropic-beta"));
        var begun = await place.RecordAsync<BegunRecord>(RecordKind.Begun, _ => true);
        Assert.Equal(("bedrock", false), (begun.Dialect, begun.Stream));
    }

    [Fact]
    public async Task A_stream_is_an_event_stream_whose_chunks_are_the_providers_events()
    {
        const string sse =
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_x\",\"type\":\"message\",\"model\":\"claude-sonnet-4-6\",\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\n" +
            "event: ping\ndata: {\"type\": \"ping\"}\n\n" +
            "event: something_new\r\ndata: {\"a\" : 1.0}\r\n\r\n" +
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n" +
            "event: ping\ndata: {}\n\n" +
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Sse = sse });

        using var response = await place.Client.SendAsync(place.Ask(Invoke, "/model/sonnet/invoke-with-response-stream"), TestContext.Current.CancellationToken);

        Assert.Equal("application/vnd.amazon.eventstream", response.Content.Headers.ContentType!.ToString());
        var messages = EventStream.Decode(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["chunk", "ping", "chunk", "chunk", "ping", "chunk"], messages.Select(m => m.Headers[":event-type"]));
        var expected = sse.Replace("\r", "", StringComparison.Ordinal).Split("\n\n").Where(e => e.Length > 0 && !e.StartsWith("event: ping", StringComparison.Ordinal))
            .Select(e => e[(e.IndexOf("data: ", StringComparison.Ordinal) + 6)..].Replace("\"model\":\"claude-sonnet-4-6\"", "\"model\":\"sonnet\"", StringComparison.Ordinal));
        Assert.Equal(expected, messages.Where(m => m.Headers[":event-type"] == "chunk").Select(m => Encoding.UTF8.GetString(m.Chunk)));
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("answered", 11L, 7L), (finished.Result, finished.Usage!.InputTokens, finished.Usage.OutputTokens));
    }

    [Theory]
    [InlineData(FaultKind.ErrorEvent, "serviceUnavailableException", "Overloaded")]
    [InlineData(FaultKind.ResetMidStream, "internalServerException", "The connection to the provider was lost")]
    public async Task A_broken_stream_ends_in_an_exception(FaultKind kind, string exception, string message)
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Fault = new ScriptFault { Kind = kind, AfterEvents = 3 } });

        using var response = await place.Client.SendAsync(place.Ask(Invoke, "/model/sonnet/invoke-with-response-stream"), TestContext.Current.CancellationToken);

        var last = EventStream.Decode(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken))[^1];
        Assert.Equal(("exception", exception), (last.Headers[":message-type"], last.Headers[":exception-type"]));
        Assert.StartsWith(message, JsonDocument.Parse(last.Payload).RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/model/nosuch/invoke", 400, "ValidationException", "policy_blocked", "There is no alias or deployment \"nosuch\"")]
    [InlineData("/nosuch/model/sonnet/invoke", 400, "ValidationException", "policy_blocked", "There is no resource \"nosuch\"")]
    [InlineData("/model/sonnet/converse", 400, "ValidationException", "invalid_request_error", "Converse and ConverseStream are not served here. Ask with InvokeModel")]
    [InlineData("/bedrock/model/sonnet/converse-stream", 400, "ValidationException", "invalid_request_error", "Converse and ConverseStream are not served here. Ask with InvokeModel")]
    [InlineData("/model/sonnet/other", 404, "ResourceNotFoundException", "not_found_error", "There is no such operation")]
    public async Task A_refusal_reads_as_one_of_aws_and_as_one_of_anthropic(string path, int status, string exception, string type, string message)
    {
        await using var place = await ProxyPlace.StartAsync();

        var (response, body) = await place.SendAsync(place.Ask(Invoke, path));

        Assert.Equal((status, exception), ((int)response.StatusCode, response.Headers.GetValues("x-amzn-errortype").Single()));
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
        Assert.StartsWith(message, JsonDocument.Parse(body).RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(type, Answers.Error(body).Type);
        Assert.Empty(place.Simulator.Log.Read());
    }

    [Fact]
    public async Task A_providers_error_keeps_its_members_and_gets_awss()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Overloaded } });

        var (response, body) = await place.SendAsync(place.Ask(Invoke, "/model/sonnet/invoke"));

        Assert.Equal((503, "ServiceUnavailableException"), ((int)response.StatusCode, response.Headers.GetValues("x-amzn-errortype").Single()));
        Assert.Equal(("overloaded_error", "Overloaded"), Answers.Error(body));
        Assert.Equal("Overloaded", JsonDocument.Parse(body).RootElement.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("""{"max_tokens":64,"messages":[]}""", """{"messages":[]}""")]
    [InlineData("""{"messages":[] , "max_tokens":64}""", """{"messages":[]}""")]
    [InlineData("""{"a":1,"max_tokens":64,"messages":[]}""", """{"a":1,"messages":[]}""")]
    public async Task Tokens_are_counted_of_the_body_within(string inner, string counted)
    {
        await using var place = await ProxyPlace.StartAsync();
        var body = JsonSerializer.Serialize(new { input = new { invokeModel = new { body = Encoding.UTF8.GetBytes(inner) } } });

        var (response, answer) = await place.SendAsync(place.Ask(body, "/model/sonnet/count-tokens"));

        Assert.True(response.IsSuccessStatusCode, answer);
        Assert.True(JsonDocument.Parse(answer).RootElement.GetProperty("inputTokens").GetInt64() > 0);
        Assert.Equal(counted.Insert(1, "\"model\":\"claude-sonnet-4-6\","), Encoding.UTF8.GetString(place.Simulator.Log.Read().Single().Body));
    }

    [Theory]
    [InlineData("{}", "input.invokeModel.body: Field required")]
    [InlineData("""{"input":{"invokeModel":{"body":"***"}}}""", "input.invokeModel.body: Field required")]
    [InlineData("""{"input":{"converse":{"messages":[]}}}""", "input.converse: ")]
    [InlineData("""{"input":{"invokeModel":{"body":"e30="}}}""", null)]
    [InlineData("not json", "The request body is not valid JSON.")]
    public async Task A_count_that_is_none_is_refused_with_what_to_send(string body, string? message)
    {
        await using var place = await ProxyPlace.StartAsync();

        var (response, answer) = await place.SendAsync(place.Ask(body, "/model/sonnet/count-tokens"));

        Assert.Equal(400, (int)response.StatusCode);
        if (message is not null)
            Assert.StartsWith(message, Answers.Error(answer).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Profiles_are_the_names_that_the_key_may_ask_for()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { models: [sonnet, claude-haiku-4-5-20251001] }");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/bedrock/inference-profiles?type=SYSTEM_DEFINED") { Headers = { Authorization = new("Bearer", place.Keys["developer_key"]) } };

        var (response, body) = await place.SendAsync(request);

        Assert.True(response.IsSuccessStatusCode, body);
        var profiles = JsonDocument.Parse(body).RootElement.GetProperty("inferenceProfileSummaries").EnumerateArray().ToArray();
        Assert.Equal(["sonnet", "claude-haiku-4-5-20251001"], profiles.Select(p => p.GetProperty("inferenceProfileId").GetString()));
        Assert.EndsWith("foundation-model/anthropic.claude-sonnet-4-6", profiles[0].GetProperty("models")[0].GetProperty("modelArn").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_of_aws_cannot_carry_the_key_and_goes_nowhere()
    {
        await using var place = await ProxyPlace.StartAsync();
        const string signature = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00";
        var alone = place.Ask(Invoke, "/model/sonnet/invoke");
        alone.Headers.Remove("x-api-key");
        alone.Headers.TryAddWithoutValidation("authorization", signature);
        var beside = place.Ask(Invoke, "/model/sonnet/invoke");
        beside.Headers.TryAddWithoutValidation("authorization", signature);
        beside.Headers.Add("x-amz-security-token", "session-token");

        var (refused, body) = await place.SendAsync(alone);
        var (answered, _) = await place.SendAsync(beside);

        Assert.Equal((401, "AccessDeniedException"), ((int)refused.StatusCode, refused.Headers.GetValues("x-amzn-errortype").Single()));
        Assert.Contains("x-api-key", Answers.Error(body).Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        Assert.DoesNotContain(place.Simulator.Log.Read().Single().Headers, h => h.Value.Contains("session-token", StringComparison.Ordinal) || h.Value.Contains("AKIA", StringComparison.Ordinal));
    }
}
