using System.Net;
using System.Text.Json;
using Demarc.Simulator.Scripts;

namespace Demarc.Simulator.Tests;

public sealed class BedrockTests
{
    private const string Model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    private const string Body = """{"anthropic_version":"bedrock-2023-05-31","max_tokens":1000,"messages":[{"role":"user","content":[{"type":"text","text":"hi there, Bedrock"}]}]}""";

    [Theory]
    [InlineData(Model)]
    [InlineData("us.anthropic.claude-sonnet-4-5-20250929-v1%3A0")]
    public async Task A_stream_is_framed_with_checksums_and_ends_with_metrics(string model)
    {
        await using var client = await Client.StartAsync();
        using var response = await client.PostAsync($"/model/{model}/invoke-with-response-stream", Body, ("Authorization", "AWS4-HMAC-SHA256 Credential=x"));
        Assert.Equal("application/vnd.amazon.eventstream", response.Content.Headers.ContentType?.MediaType);
        var messages = EventStreamDecoder.Decode(await response.Content.ReadAsByteArrayAsync(Client.Cancellation));
        Assert.All(messages, message =>
        {
            Assert.Equal("chunk", message.Headers[":event-type"]);
            Assert.Equal("application/json", message.Headers[":content-type"]);
            Assert.Equal("event", message.Headers[":message-type"]);
        });
        var events = messages.Select(Inner).ToList();
        Assert.Equal("Echo: hi there, Bedrock", Events.Text(events));
        Assert.Equal(Model, events[0].GetProperty("message").GetProperty("model").GetString());
        Assert.DoesNotContain("ping", Events.Types(events));
        Assert.Equal("message_stop", Events.TypeOf(events[^1]));
        var metrics = events[^1].GetProperty("amazon-bedrock-invocationMetrics");
        Assert.Equal(Events.Single(events, "message_delta").GetProperty("usage").GetProperty("output_tokens").GetInt32(), metrics.GetProperty("outputTokenCount").GetInt32());
    }

    [Fact]
    public async Task A_whole_answer_takes_the_model_from_an_encoded_ARN()
    {
        await using var client = await Client.StartAsync();
        const string Arn = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.anthropic.claude-opus-5";
        var message = await client.PostJsonAsync($"/model/{Uri.EscapeDataString(Arn)}/invoke", Body);
        Assert.Equal(Arn, message.GetProperty("model").GetString());
    }

    [Fact]
    public async Task A_failure_in_mid_stream_is_an_exception_message()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.ErrorEvent, AfterEvents = 2 } });
        using var response = await client.PostAsync($"/model/{Model}/invoke-with-response-stream", Body);
        var messages = EventStreamDecoder.Decode(await response.Content.ReadAsByteArrayAsync(Client.Cancellation));
        Assert.Equal(3, messages.Count);
        Assert.Equal("exception", messages[2].Headers[":message-type"]);
        Assert.Equal("serviceUnavailableException", messages[2].Headers[":exception-type"]);
        Assert.Equal("Overloaded", JsonSerializer.Deserialize<JsonElement>(messages[2].Payload).GetProperty("message").GetString());
    }

    [Fact]
    public async Task An_error_status_names_its_exception()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.RateLimited } });
        using var response = await client.PostAsync($"/model/{Model}/invoke", Body);
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("ThrottlingException", response.Headers.GetValues("x-amzn-errortype").Single());
    }

    [Fact]
    public async Task Exact_events_are_framed()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Sse = "event: a\r\ndata: {\"type\":\"a\"}\r\n\r\nevent: b\ndata: {\"type\":\"b\"}\n\n" });
        using var response = await client.PostAsync($"/model/{Model}/invoke-with-response-stream", Body);
        var messages = EventStreamDecoder.Decode(await response.Content.ReadAsByteArrayAsync(Client.Cancellation));
        Assert.Equal(["a", "b"], Events.Types(messages.Select(Inner)));
    }

    [Fact]
    public async Task Inference_profiles_are_listed_and_found_by_id_and_ARN()
    {
        await using var client = await Client.StartAsync();
        var list = await Client.JsonAsync(await client.GetAsync("/inference-profiles?type=SYSTEM_DEFINED"));
        var profile = list.GetProperty("inferenceProfileSummaries").EnumerateArray().Single(item => item.GetProperty("inferenceProfileId").GetString() == Model);
        foreach (var id in (string[])[Model, profile.GetProperty("inferenceProfileArn").GetString()!])
        {
            var found = await Client.JsonAsync(await client.GetAsync($"/inference-profiles/{Uri.EscapeDataString(id)}"));
            Assert.Equal(Model, found.GetProperty("inferenceProfileId").GetString());
        }
    }

    private static JsonElement Inner(EventStreamMessage message) =>
        JsonSerializer.Deserialize<JsonElement>(JsonSerializer.Deserialize<JsonElement>(message.Payload).GetProperty("bytes").GetBytesFromBase64());
}
