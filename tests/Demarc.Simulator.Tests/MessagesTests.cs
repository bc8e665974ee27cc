using System.Net;

namespace Demarc.Simulator.Tests;

public sealed class MessagesTests
{
    private const string Awkward = "héllo \"you\" \\ 😀\n and a good deal more of text, so that several deltas are cut: äöü äöü äöü 😀😀😀😀";

    [Theory]
    [InlineData("/v1/messages")]
    [InlineData("/v1/messages?beta=true")]
    [InlineData("/anthropic/v1/messages")]
    [InlineData("/contoso/anthropic/v1/messages?beta=true")]
    public async Task A_whole_answer_echoes_the_user_and_the_model(string path)
    {
        await using var client = await Client.StartAsync();
        var message = await client.PostJsonAsync(path, Client.Ask(Awkward));
        Assert.Equal("Echo: " + Awkward, Client.TextOf(message));
        Assert.Equal("claude-sonnet-5", message.GetProperty("model").GetString());
        Assert.Equal("end_turn", message.GetProperty("stop_reason").GetString());
        Assert.StartsWith("msg_", message.GetProperty("id").GetString(), StringComparison.Ordinal);
        var usage = message.GetProperty("usage");
        Assert.Equal((Events.Utf8(Client.Ask(Awkward)).Length + 3) / 4, usage.GetProperty("input_tokens").GetInt32());
        Assert.Equal("standard", usage.GetProperty("service_tier").GetString());
        Assert.Equal("global", usage.GetProperty("inference_geo").GetString());
    }

    [Theory]
    [InlineData("/v1/messages")]
    [InlineData("/anthropic/v1/messages")]
    public async Task A_stream_carries_the_same_text_in_the_documented_order(string path)
    {
        await using var client = await Client.StartAsync();
        using var response = await client.PostAsync(path, Client.Ask(Awkward, stream: true));
        var events = await Events.ReadAsync(response);
        Assert.Equal("Echo: " + Awkward, Events.Text(events));
        var types = Events.Types(events).ToList();
        Assert.Equal(["message_start", "content_block_start", "ping"], types[..3]);
        Assert.Equal(["content_block_stop", "message_delta", "message_stop"], types[^3..]);
        Assert.True(types.Count(type => type == "content_block_delta") > 1);
        var start = events[0].GetProperty("message").GetProperty("usage");
        var end = Events.Single(events, "message_delta").GetProperty("usage");
        Assert.Equal(start.GetProperty("input_tokens").GetInt32(), end.GetProperty("input_tokens").GetInt32());
        Assert.True(end.GetProperty("output_tokens").GetInt32() > start.GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task An_escaped_surrogate_pair_is_never_cut_by_an_echo()
    {
        await using var client = await Client.StartAsync();
        for (var pad = 0; pad < 12; pad++)
        {
            var pairs = string.Concat(Enumerable.Repeat("\\uD83D\\uDE00", 40));
            var body = Client.Ask("@", stream: true).Replace("@", new string('x', pad) + pairs, StringComparison.Ordinal);
            using var response = await client.PostAsync("/v1/messages", body);
            Assert.Matches("^Echo: x*(😀)+$", Events.Text(await Events.ReadAsync(response)));
        }
    }

    [Fact]
    public async Task The_quota_probe_gets_one_token()
    {
        await using var client = await Client.StartAsync();
        var message = await client.PostJsonAsync("/v1/messages", Client.Ask("quota", maxTokens: 1));
        Assert.Equal("max_tokens", message.GetProperty("stop_reason").GetString());
        Assert.Equal(1, message.GetProperty("usage").GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task A_schema_asked_for_is_followed()
    {
        await using var client = await Client.StartAsync();
        const string Format = ""","output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"title":{"type":"string"},"new":{"type":"boolean"}},"required":["title"]}}}""";
        var message = await client.PostJsonAsync("/v1/messages", Client.Ask("Name this", more: Format));
        Assert.Equal("""{"title":"Echo","new":false}""", Client.TextOf(message));
    }

    [Fact]
    public async Task The_asked_geography_is_answered()
    {
        await using var client = await Client.StartAsync();
        var message = await client.PostJsonAsync("/v1/messages", Client.Ask("hi", more: ""","inference_geo":"us" """));
        Assert.Equal("us", message.GetProperty("usage").GetProperty("inference_geo").GetString());
    }

    [Theory]
    [InlineData("/v1/messages", "no json", "The request body is not valid JSON.")]
    [InlineData("/v1/messages", """{"model":"m","max_tokens":1}""", "messages: Field required")]
    [InlineData("/v1/messages", """{"model":"m","messages":[]}""", "max_tokens: Field required")]
    [InlineData("/v1/messages", """{"max_tokens":1,"messages":[]}""", "model: Field required")]
    [InlineData("/v1/messages", """{"model":"m","max_tokens":1,"anthropic_version":"x","messages":[]}""", "anthropic_version: Extra inputs are not permitted")]
    [InlineData("/model/m/invoke", """{"model":"m","max_tokens":1,"anthropic_version":"x","messages":[]}""", "model: Extra inputs are not permitted")]
    [InlineData("/model/m/invoke", """{"max_tokens":1,"messages":[]}""", "anthropic_version: Field required")]
    public async Task A_request_in_the_wrong_dialect_is_refused_as_the_platform_would(string path, string body, string message)
    {
        await using var client = await Client.StartAsync();
        using var response = await client.PostAsync(path, body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var json = await Client.JsonAsync(response);
        var holder = json.TryGetProperty("error", out var error) ? error : json;
        Assert.Equal(message, holder.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Tokens_are_counted_by_bytes_on_every_platform()
    {
        await using var client = await Client.StartAsync();
        const string Body = """{"model":"claude-sonnet-5","messages":[{"role":"user","content":"hello"}]}""";
        var expected = (Body.Length + 3) / 4;
        Assert.Equal(expected, (await client.PostJsonAsync("/v1/messages/count_tokens", Body)).GetProperty("input_tokens").GetInt32());
        Assert.Equal(expected, (await client.PostJsonAsync("/r/anthropic/v1/messages/count_tokens?beta=true", Body)).GetProperty("input_tokens").GetInt32());
        Assert.Equal(expected, (await client.PostJsonAsync("/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", Body)).GetProperty("input_tokens").GetInt32());
        var wrapped = """{"input":{"invokeModel":{"body":"@"}}}""".Replace("@", Convert.ToBase64String(Events.Utf8(Body)), StringComparison.Ordinal);
        Assert.Equal(expected, (await client.PostJsonAsync("/model/m/count-tokens", wrapped)).GetProperty("inputTokens").GetInt32());
    }
}
