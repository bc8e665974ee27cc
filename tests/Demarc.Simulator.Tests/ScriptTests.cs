using System.Net;
using System.Text;
using Demarc.Simulator.Scripts;

namespace Demarc.Simulator.Tests;

public sealed class ScriptTests
{
    [Fact]
    public async Task Rules_are_set_and_removed_over_HTTP()
    {
        await using var client = await Client.StartAsync();
        using var set = await PutAsync(client, """{"rules":[{"model":"claude-sonnet-*","text":"Scripted.","usage":{"input_tokens":1,"output_tokens":2},"stop_reason":"refusal","headers":{"x-should-retry":"false"}},{"fault":{"kind":"rate_limited","retry_after":"3"}}]}""");
        Assert.Equal(HttpStatusCode.NoContent, set.StatusCode);

        using var scripted = await client.PostAsync("/v1/messages", Client.Ask("hi"));
        Assert.Equal("false", scripted.Headers.GetValues("x-should-retry").Single());
        var message = await Client.JsonAsync(scripted);
        Assert.Equal("Scripted.", Client.TextOf(message));
        Assert.Equal("refusal", message.GetProperty("stop_reason").GetString());
        Assert.Equal(2, message.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        using var other = await client.PostAsync("/v1/messages", Client.Ask("hi").Replace("sonnet", "opus", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.TooManyRequests, other.StatusCode);

        using var removed = await client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/simulator/script"));
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.Equal("Echo: hi", Client.TextOf(await client.PostJsonAsync("/v1/messages", Client.Ask("hi"))));
        Assert.DoesNotContain(client.Host.Log.Read(), request => request.Target.StartsWith("/simulator", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"rules":[{"txt":"a misspelt name"}]}""")]
    [InlineData("""{"rules":[{"fault":{"kind":"unheard_of"}}]}""")]
    [InlineData("[]")]
    [InlineData("{")]
    public async Task What_is_no_script_is_refused_and_changes_nothing(string script)
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Text = "Before." });
        using var refused = await PutAsync(client, script);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("Before.", Client.TextOf(await client.PostJsonAsync("/v1/messages", Client.Ask("hi"))));
    }

    [Fact]
    public async Task A_rule_takes_the_requests_in_its_window()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { From = 2, Times = 2, Text = "Taken." });
        var texts = new List<string>();
        for (var i = 0; i < 4; i++)
            texts.Add(Client.TextOf(await client.PostJsonAsync("/v1/messages", Client.Ask("hi"))));
        Assert.Equal(["Echo: hi", "Taken.", "Taken.", "Echo: hi"], texts);
    }

    [Fact]
    public async Task Path_header_and_stream_choose_the_rule()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(
            new ScriptRule { Path = "/east/*", Text = "east" },
            new ScriptRule { Header = "x-team: apo*", Text = "apollo" },
            new ScriptRule { Header = "x-flag", Text = "flag" },
            new ScriptRule { Stream = true, Text = "stream" });
        Assert.Equal("east", Client.TextOf(await client.PostJsonAsync("/east/anthropic/v1/messages", Client.Ask("hi"))));
        Assert.Equal("apollo", Client.TextOf(await client.PostJsonAsync("/v1/messages", Client.Ask("hi"), ("X-Team", "apollo"))));
        Assert.Equal("flag", Client.TextOf(await client.PostJsonAsync("/v1/messages", Client.Ask("hi"), ("X-Flag", "1"))));
        Assert.Equal("Echo: hi", Client.TextOf(await client.PostJsonAsync("/v1/messages", Client.Ask("hi"), ("X-Team", "gemini"))));
        using var stream = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true));
        Assert.Equal("stream", Events.Text(await Events.ReadAsync(stream)));
    }

    [Fact]
    public async Task Exact_bytes_come_back_exactly()
    {
        await using var client = await Client.StartAsync();
        const string Sse = ": a comment\n\nevent: message_start\r\ndata: {\"type\":\"message_start\"}\r\n\r\nevent: odd\ndata: {\n\ndata: unfinished";
        client.Host.Script.Set(
            new ScriptRule { Stream = true, Sse = Sse, BetweenEventsMs = 0 },
            new ScriptRule { Body = "{ \"odd\" : 1 }", Status = 418, Headers = new Dictionary<string, string> { ["content-type"] = "text/odd" } });
        using var stream = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true));
        Assert.Equal(Sse, await stream.Content.ReadAsStringAsync(Client.Cancellation));
        using var whole = await client.PostAsync("/any/where", "{}");
        Assert.Equal(418, (int)whole.StatusCode);
        Assert.Equal("text/odd", whole.Content.Headers.ContentType?.MediaType);
        Assert.Equal("{ \"odd\" : 1 }", await whole.Content.ReadAsStringAsync(Client.Cancellation));
    }

    [Fact]
    public async Task A_slow_stream_has_the_deltas_and_pauses_asked_for()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Deltas = 20, BetweenEventsMs = 10, LatencyMs = 60, FirstByteMs = 60 });
        var started = TimeProvider.System.GetTimestamp();
        using var response = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true));
        // Half of each wait: timers run on a coarser clock and may fire some milliseconds early.
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(30));
        var events = await Events.ReadAsync(response);
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(60 + (20 * 5)));
        Assert.Equal(20, Events.Types(events).Count(type => type == "content_block_delta"));
        Assert.Equal(20, Events.Single(events, "message_delta").GetProperty("usage").GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task Max_tokens_bounds_a_scripted_answer()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Deltas = 1000 });
        var message = await client.PostJsonAsync("/v1/messages", Client.Ask("hi", maxTokens: 10));
        Assert.Equal(10, message.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        Assert.Equal("max_tokens", message.GetProperty("stop_reason").GetString());
    }

    private static Task<HttpResponseMessage> PutAsync(Client client, string script) =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Put, "/simulator/script") { Content = new StringContent(script, Encoding.UTF8, "application/json") });
}
