using System.Globalization;
using System.Text.Json;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>What a long session costs to keep: each request repeats the whole conversation, and only what is new is stored.</summary>
public sealed class ClaudeCodeLongSessionTests
{
    private const int Turns = 100;

    [Fact]
    public async Task A_session_of_a_hundred_turns_stores_at_most_three_hundredths_of_what_was_received()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        // Each turn reads a part of another file of this repository, as a developer's session reads code.
        var files = Directory.GetFiles(Repository.Path("src"), "*.cs", SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Take(Turns);
        gateway.Simulator.Script.Set([.. files.Select(file => new ScriptRule
        {
            Stream = true,
            Times = 1,
            ToolUse = new ScriptToolUse("Bash", JsonSerializer.SerializeToElement(new { command = $"head -c 4000 '{file}'", description = "Read a file" })),
        })]);

        var run = await ClaudeCode.RunAsync(ClaudeVersion.Newest, ClaudeConnection.AuthToken.Environment(gateway.Url, gateway.DeveloperKey), "--max-turns", "200");

        Assert.Equal(0, run.ExitCode);
        var requests = (await gateway.RequestsAsync()).Where(r => r.Begun.ClientSession == run.SessionId && r.Begun.Operation == "messages").ToArray();
        var (received, stored) = (requests.Sum(r => r.Begun.RequestBytes), requests.Sum(r => r.ContentBytes));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{requests.Length} requests, {received} bytes received, {stored} bytes of sealed content: {100.0 * stored / received:f2} %"));
        Assert.True(requests.Length > Turns, $"{requests.Length} requests");
        Assert.True(stored * 100 <= received * 3, $"{stored} of {received}");
    }
}
