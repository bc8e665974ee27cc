using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>The official npm SDKs, unchanged but for their base URL (<c>tests/clients/messages.mjs</c>).</summary>
public sealed class NpmSdkTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private const string Node = "/usr/bin/node";

    [Fact]
    public async Task The_sdk_streams_calls_tools_counts_and_lists_models()
    {
        var printed = await RunAsync("sdk", "", "claude-sonnet-5");

        AssertMessages(printed, "claude-sonnet-5");
        var models = printed.GetProperty("models").EnumerateArray().Select(m => m.GetString()!).ToArray();
        Assert.Contains("claude-sonnet-5", models);
        Assert.Contains("opus", models);
        // Pages of two, put together by the SDK: nothing twice, nothing lost.
        Assert.Equal(models.Distinct(), models);
        Assert.True(models.Length > 10);
    }

    [Fact]
    public async Task An_alias_answers_under_the_name_it_was_asked_by() =>
        AssertMessages(await RunAsync("sdk", "", "sonnet"), "sonnet");

    [Theory]
    [InlineData("/anthropic")]
    [InlineData("/sim-foundry/anthropic")]
    public async Task The_foundry_sdk_streams_calls_tools_and_counts(string path) =>
        AssertMessages(await RunAsync("foundry", path, "claude-sonnet-4-6"), "claude-sonnet-4-6");

    private static void AssertMessages(JsonElement printed, string model)
    {
        foreach (var answer in (JsonElement[])[printed.GetProperty("whole"), printed.GetProperty("streamed")])
        {
            Assert.Equal("Echo: Hello, Claude", answer.GetProperty("text").GetString());
            Assert.Equal(model, answer.GetProperty("model").GetString());
            Assert.True(answer.GetProperty("usage").GetProperty("output_tokens").GetInt64() > 0);
        }
        Assert.Equal("Echo: Hello, Claude", printed.GetProperty("streamed").GetProperty("deltas").GetString());

        var call = printed.GetProperty("call");
        Assert.Equal(("tool_use", "Bash", "ls"), (Text(call, "stop_reason"), Text(call, "name"), Text(call.GetProperty("input"), "command")));
        Assert.Equal("The listing has 2 lines.", Text(printed, "result"));
        Assert.True(printed.GetProperty("counted").GetInt64() > 0);

        var refused = printed.GetProperty("refused");
        Assert.Equal(("BadRequestError", 400, "policy_blocked"), (Text(refused, "name"), refused.GetProperty("status").GetInt32(), Text(refused, "type")));
        Assert.Contains("\"nosuch\"", Text(refused, "message"), StringComparison.Ordinal);
    }

    private async Task<JsonElement> RunAsync(string kind, string path, string model)
    {
        Component.Require(File.Exists(Node), "Node.js is not installed (apt-get install nodejs)");
        _ = Component.Npm("@anthropic-ai/sdk/index.mjs");
        _ = Component.Npm("@anthropic-ai/foundry-sdk/index.mjs");
        var run = await Command.RunAsync(
            Node,
            ["messages.mjs", kind, gateway.Url.AbsoluteUri.TrimEnd('/') + path, gateway.DeveloperKey, model],
            Repository.Path("tests", "clients"),
            new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
            TestContext.Current.CancellationToken);
        Assert.True(run.ExitCode == 0, run.Errors);
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
