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

    [Theory]
    [InlineData("bedrock", "")]
    [InlineData("bedrock", "/bedrock")]
    [InlineData("bedrock-signed", "/sim-foundry")]
    public async Task The_bedrock_sdk_streams_and_calls_tools(string kind, string path) =>
        AssertMessages(await RunAsync(kind, path, "claude-sonnet-4-6"), "claude-sonnet-4-6", counts: false);

    [Theory]
    [InlineData("")]
    [InlineData("/v1")]
    [InlineData("/vertex/v1")]
    [InlineData("/sim-foundry")]
    public async Task The_vertex_sdk_streams_calls_tools_and_counts(string path) =>
        AssertMessages(await RunAsync("vertex", path, "claude-sonnet-4-6"), "claude-sonnet-4-6");

    [Theory]
    [InlineData("us.anthropic.claude-sonnet-4-5-20250929-v1:0")]
    [InlineData("sonnet")]
    public async Task Awss_own_sdk_invokes_streams_and_counts(string model)
    {
        _ = Component.Npm("@aws-sdk/client-bedrock-runtime/package.json");
        var printed = await RunAsync("invoke.mjs", [gateway.Url.AbsoluteUri.TrimEnd('/'), gateway.DeveloperKey, model]);

        Assert.Equal("Echo: Hello, Claude", printed.GetProperty("whole").GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal("Echo: Hello, Claude", Text(printed, "text"));
        Assert.Equal((model, model), (Text(printed.GetProperty("whole"), "model"), Text(printed, "model")));
        var types = printed.GetProperty("types").EnumerateArray().Select(t => t.GetString()).ToArray();
        Assert.Equal(("message_start", "message_stop"), (types[0], types[^1]));
        Assert.DoesNotContain("ping", types);
        Assert.True(printed.GetProperty("counted").GetInt64() > 0);
        var refused = printed.GetProperty("refused");
        Assert.Equal(("ValidationException", 400), (Text(refused, "name"), refused.GetProperty("status").GetInt32()));
        Assert.Contains("\"nosuch\"", Text(refused, "message"), StringComparison.Ordinal);
    }

    private static void AssertMessages(JsonElement printed, string model, bool counts = true)
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
        if (counts)
            Assert.True(printed.GetProperty("counted").GetInt64() > 0);

        var refused = printed.GetProperty("refused");
        Assert.Equal(("BadRequestError", 400, "policy_blocked"), (Text(refused, "name"), refused.GetProperty("status").GetInt32(), Text(refused, "type")));
        Assert.Contains("\"nosuch\"", Text(refused, "message"), StringComparison.Ordinal);
    }

    private Task<JsonElement> RunAsync(string kind, string path, string model)
    {
        foreach (var sdk in (string[])["sdk", "foundry-sdk", "bedrock-sdk", "vertex-sdk"])
            _ = Component.Npm($"@anthropic-ai/{sdk}/index.mjs");
        return RunAsync("messages.mjs", [kind, gateway.Url.AbsoluteUri.TrimEnd('/') + path, gateway.DeveloperKey, model]);
    }

    private static async Task<JsonElement> RunAsync(string script, string[] arguments)
    {
        Component.Require(File.Exists(Node), "Node.js is not installed (apt-get install nodejs)");
        var run = await Command.RunAsync(
            Node,
            [script, .. arguments],
            Repository.Path("tests", "clients"),
            new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
            TestContext.Current.CancellationToken);
        Assert.True(run.ExitCode == 0, run.Errors);
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
