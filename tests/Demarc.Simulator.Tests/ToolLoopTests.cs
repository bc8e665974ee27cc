using System.Text.Json;
using Demarc.Simulator.Scripts;

namespace Demarc.Simulator.Tests;

public sealed class ToolLoopTests
{
    private const string Tools = ""","tools":[{"name":"Read","input_schema":{"type":"object","properties":{"name":{"const":"Bash"}}}},{"name":"Bash","input_schema":{"type":"object"}}]""";

    private static string Turn(string messages, bool stream = false, string tools = Tools) =>
        $$"""{"model":"claude-sonnet-5","max_tokens":1000,"stream":{{(stream ? "true" : "false")}}{{tools}},"messages":[{{messages}}]}""";

    private const string RunLs = """{"role":"user","content":[{"type":"text","text":"<system-reminder>…</system-reminder>"},{"type":"text","text":"please run ls"}]}""";

    [Fact]
    public async Task Run_ls_calls_Bash_and_the_result_is_counted()
    {
        await using var client = await Client.StartAsync();
        var first = await client.PostJsonAsync("/v1/messages", Turn(RunLs));
        Assert.Equal("tool_use", first.GetProperty("stop_reason").GetString());
        Assert.NotEmpty(Client.TextOf(first));
        var call = first.GetProperty("content")[1];
        Assert.Equal("Bash", call.GetProperty("name").GetString());
        Assert.Equal("ls", call.GetProperty("input").GetProperty("command").GetString());

        var id = call.GetProperty("id").GetString();
        var conversation = $$"""{{RunLs}},{"role":"assistant","content":{{first.GetProperty("content").GetRawText()}}},{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{id}}","content":@},{"type":"text","text":"a reminder: run ls"}]},{"role":"system","content":"late"}""";
        foreach (var (result, lines) in ((string, int)[])[("\"a\\nb\\nc\\n\"", 3), ("[{\"type\":\"text\",\"text\":\"one\\ntwo\"}]", 2), ("\"\"", 0)])
        {
            var second = await client.PostJsonAsync("/v1/messages", Turn(conversation.Replace("@", result, StringComparison.Ordinal)));
            Assert.Equal("end_turn", second.GetProperty("stop_reason").GetString());
            Assert.Equal($"The listing has {lines} lines.", Client.TextOf(second));
        }
    }

    [Fact]
    public async Task A_streamed_call_adds_up_to_its_input()
    {
        await using var client = await Client.StartAsync();
        using var response = await client.PostAsync("/anthropic/v1/messages", Turn(RunLs, stream: true));
        var events = await Events.ReadAsync(response);
        var input = Events.Deltas(events, "input_json_delta", "partial_json")[1];
        Assert.Equal("List files", JsonSerializer.Deserialize<JsonElement>(input).GetProperty("description").GetString());
        Assert.Equal("tool_use", Events.Single(events, "message_delta").GetProperty("delta").GetProperty("stop_reason").GetString());
    }

    [Fact]
    public async Task Without_Bash_the_words_are_only_echoed()
    {
        await using var client = await Client.StartAsync();
        var message = await client.PostJsonAsync("/v1/messages", Turn(RunLs, tools: ""","tools":[{"name":"Read","input_schema":{"properties":{"name":"Bash"}}}]"""));
        Assert.Equal("Echo: please run ls", Client.TextOf(message));
    }

    [Fact]
    public async Task Thinking_is_shown_when_script_and_request_both_ask()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Thinking = "Let me think." });
        using var shown = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true, more: ""","thinking":{"type":"adaptive"}"""));
        var events = await Events.ReadAsync(shown);
        Assert.Equal("Let me think.", Events.Deltas(events, "thinking_delta", "thinking")[0]);
        Assert.NotEmpty(Events.Deltas(events, "signature_delta", "signature")[0]);
        Assert.Equal("Echo: hi", Events.Deltas(events, "text_delta", "text")[1]);

        using var omitted = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true, more: ""","thinking":{"type":"adaptive","display":"omitted"}"""));
        events = await Events.ReadAsync(omitted);
        Assert.Empty(Events.Deltas(events, "thinking_delta", "thinking"));
        Assert.NotEmpty(Events.Deltas(events, "signature_delta", "signature")[0]);

        var plain = await client.PostJsonAsync("/v1/messages", Client.Ask("hi"));
        Assert.Equal(1, plain.GetProperty("content").GetArrayLength());
    }

    [Fact]
    public async Task A_scripted_call_is_made()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Text = "Now.", ToolUse = new("Write", JsonSerializer.Deserialize<JsonElement>("""{"path":"a"}""")) });
        var message = await client.PostJsonAsync("/v1/messages", Client.Ask("hi"));
        Assert.Equal("Now.", Client.TextOf(message));
        Assert.Equal("a", message.GetProperty("content")[1].GetProperty("input").GetProperty("path").GetString());
        Assert.Equal("tool_use", message.GetProperty("stop_reason").GetString());
    }
}
