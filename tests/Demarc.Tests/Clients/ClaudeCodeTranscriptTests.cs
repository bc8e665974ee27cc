using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>What a developer did in Claude Code can be read, by those who may, through the Compliance API.</summary>
public sealed class ClaudeCodeTranscriptTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Theory]
    [InlineData(ClaudeVersion.Newest, ClaudeConnection.AuthToken)]
    [InlineData(ClaudeVersion.Newest, ClaudeConnection.Foundry)]
    [InlineData(ClaudeVersion.Older, ClaudeConnection.AuthToken)]
    [InlineData(ClaudeVersion.Older, ClaudeConnection.Foundry)]
    public async Task A_run_is_one_session_with_its_whole_conversation(ClaudeVersion version, ClaudeConnection connection)
    {
        var run = await ClaudeCode.RunAsync(version, connection.Environment(gateway.Url, gateway.DeveloperKey));
        Assert.True(run.Listed, run.Result);
        var session = (await gateway.RequestsAsync()).Last(r => r.Begun.ClientSession == run.SessionId).SessionId;

        // Sessions follow the log within a second; both turns of this one have finished.
        var turns = await EventuallyAsync(
            $"/v1/compliance/apps/sessions/local/{session}/messages",
            answer => answer.GetProperty("data").EnumerateArray().Select(turn => turn.GetProperty("content")).ToArray(),
            found => found.Length > 0 && Texts(found[^1]).Contains(run.Result));

        var blocks = turns.SelectMany(content => content.EnumerateArray()).ToArray();
        Assert.Contains(blocks, block => Type(block) == "text" && Text(block).Contains("run ls", StringComparison.Ordinal));
        var call = Assert.Single(blocks, block => Type(block) == "tool_use");
        Assert.Equal("Bash", call.GetProperty("name").GetString());
        var result = Assert.Single(blocks, block => Type(block) == "tool_result");
        Assert.StartsWith(string.Join('\n', ClaudeCode.Files), Text(result.GetProperty("content")[0]), StringComparison.Ordinal);
        Assert.Equal(call.GetProperty("id").GetString(), result.GetProperty("tool_use_id").GetString());

        var listed = await EventuallyAsync("/v1/compliance/apps/sessions/local", answer => answer.GetProperty("data").EnumerateArray().ToArray(), all => all.Length > 0);
        Assert.Equal("claude_code", Assert.Single(listed, s => s.GetProperty("id").GetString() == session).GetProperty("product_surface").GetString());
    }

    private async Task<T> EventuallyAsync<T>(string path, Func<JsonElement, T> read, Func<T, bool> there)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Url, path)) { Headers = { { "x-api-key", gateway.ComplianceKey } } };
            using var answer = await gateway.Http.SendAsync(request, patience.Token);
            var text = await answer.Content.ReadAsStringAsync(patience.Token);
            if (answer.IsSuccessStatusCode && read(JsonDocument.Parse(text).RootElement) is { } found && there(found))
                return found;
            Assert.True(answer.IsSuccessStatusCode || (int)answer.StatusCode == 404, text);
            await Task.Delay(50, patience.Token);
        }
    }

    private static string[] Texts(JsonElement content) =>
        [.. content.EnumerateArray().Where(block => Type(block) == "text").Select(Text)];

    private static string Type(JsonElement block) => block.GetProperty("type").GetString()!;

    private static string Text(JsonElement block) => block.GetProperty("text").GetString()!;
}
