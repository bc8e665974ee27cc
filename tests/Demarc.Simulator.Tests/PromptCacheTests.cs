using System.Text.Json;

namespace Demarc.Simulator.Tests;

public sealed class PromptCacheTests
{
    private const string Breakpoint = ""","cache_control":{"type":"ephemeral"}""";

    private static readonly string s_system = $$"""[{"type":"text","text":"{{new string('s', 4000)}}"{{Breakpoint}}}]""";

    private static string Turn(string messages, string? system = null) =>
        $$"""{"model":"claude-sonnet-5","max_tokens":100,"system":{{system ?? s_system}},"messages":[{{messages}}]}""";

    private static string User(string text, string breakpoint = "") =>
        $$"""{"role":"user","content":[{"type":"text","text":"{{text}}"{{breakpoint}}}]}""";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_second_turn_reads_what_the_first_wrote(bool session)
    {
        await using var client = await Client.StartAsync();
        (string, string)[] headers = session ? [("X-Claude-Code-Session-Id", "one")] : [];
        var first = await UsageAsync(client, Turn(User("hello", Breakpoint)), headers);
        Assert.Equal(0, Read(first));
        Assert.True(Created(first) > 1000);

        var longer = $$"""{{User("hello")}},{"role":"assistant","content":"well"},{{User("and then", Breakpoint)}}""";
        var second = await UsageAsync(client, Turn(longer), headers);
        Assert.Equal(Created(first), Read(second));
        Assert.InRange(Created(second), 1, 100);
        Assert.Equal(Created(second), second.GetProperty("cache_creation").GetProperty("ephemeral_5m_input_tokens").GetInt32());
    }

    [Fact]
    public async Task Another_session_resource_or_system_prompt_reads_nothing()
    {
        await using var client = await Client.StartAsync();
        var body = Turn(User("hello", Breakpoint));
        await UsageAsync(client, body, ("X-Claude-Code-Session-Id", "one"));
        Assert.NotEqual(0, Read(await UsageAsync(client, body, ("X-Claude-Code-Session-Id", "one"))));
        Assert.Equal(0, Read(await UsageAsync(client, body, ("X-Claude-Code-Session-Id", "two"))));
        Assert.Equal(0, Read(await UsageAsync(client, Turn(User("hello", Breakpoint), "\"altered\""), ("X-Claude-Code-Session-Id", "one"))));
        var elsewhere = await client.PostJsonAsync("/other/v1/messages", body, ("X-Claude-Code-Session-Id", "one"));
        Assert.Equal(0, Read(elsewhere.GetProperty("usage")));
    }

    [Fact]
    public async Task Without_a_breakpoint_nothing_is_cached()
    {
        await using var client = await Client.StartAsync();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var usage = await UsageAsync(client, Client.Ask("hello"));
            Assert.Equal(0, Created(usage) + Read(usage));
        }
    }

    [Fact]
    public async Task An_hour_long_breakpoint_is_counted_as_such()
    {
        await using var client = await Client.StartAsync();
        var usage = await UsageAsync(client, Turn(User("hello", ""","cache_control":{"type":"ephemeral","ttl":"1h"}""")));
        Assert.Equal(Created(usage), usage.GetProperty("cache_creation").GetProperty("ephemeral_1h_input_tokens").GetInt32());
    }

    private static async Task<JsonElement> UsageAsync(Client client, string body, params (string, string)[] headers) =>
        (await client.PostJsonAsync("/v1/messages", body, headers)).GetProperty("usage");

    private static int Read(JsonElement usage) => usage.GetProperty("cache_read_input_tokens").GetInt32();

    private static int Created(JsonElement usage) => usage.GetProperty("cache_creation_input_tokens").GetInt32();
}
