using Demarc.Governance.Boundaries;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>Claude Code in each of its four modes, with each platform behind the gateway: any dialect in, any platform out.</summary>
public sealed class ClaudeCodePlatformTests
{
    // What a fresh client asks for first, in each mode of each version.
    private static readonly string[] DefaultNames =
    [
        "claude-opus-5-5", "claude-opus-4-8", "claude-sonnet-4-5", "us.anthropic.claude-opus-5-5",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5@20250929",
    ];

    public static TheoryData<ClaudeVersion, ClaudeConnection, Platform> Pairs =>
        [.. from connection in Modes from platform in Platforms.Keys select (ClaudeVersion.Newest, connection, platform),
            .. from connection in Modes select (ClaudeVersion.Older, connection, Platform.Foundry)];

    private static ClaudeConnection[] Modes => [ClaudeConnection.AuthToken, ClaudeConnection.Foundry, ClaudeConnection.Bedrock, ClaudeConnection.Vertex];

    private static readonly Dictionary<Platform, string> Platforms = new()
    {
        [Platform.Foundry] = "endpoint: SIMULATOR/anthropic, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929, hosting: anthropic }]",
        [Platform.Anthropic] = "endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929 }]",
        [Platform.Bedrock] = "endpoint: SIMULATOR, region: us-east-1, credential: { bearer_token: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929, scope: global }]",
        [Platform.Vertex] = "endpoint: SIMULATOR, region: global, project: test, credential: { google: { file: FILE } }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929 }]",
    };

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task A_tool_loop_completes_and_is_on_record(ClaudeVersion version, ClaudeConnection connection, Platform platform)
    {
        await using var google = await GoogleTokenEndpoint.StartAsync();
        await using var gateway = await GatewayFixture.StartAsync($$"""
            resources:
              - { name: behind, platform: {{platform.Wire()}}, {{Platforms[platform].Replace("FILE", google.CredentialFile, StringComparison.Ordinal)}} }
            aliases:
              {{string.Join("\n  ", DefaultNames.Select(name => $"{name}: [behind/deployed]"))}}
            """);

        var run = await ClaudeCode.RunAsync(version, connection.Environment(gateway.Url, gateway.DeveloperKey));

        Assert.True(run.Listed, run.Result);
        var requests = await gateway.RequestsAsync();
        Assert.Equal(2, requests.Length);
        Assert.Equal(2, gateway.Simulator.Log.Read().Length);
        foreach (var request in requests)
        {
            Assert.Equal(Dialect(connection), request.Begun.Dialect);
            Assert.Equal(platform.Wire(), request.Begun.Attempt.Platform);
            Assert.Equal(run.SessionId, request.Begun.ClientSession);
            Assert.Equal(("answered", 200, false), (request.Finished.Result, request.Finished.Status, request.Finished.Incomplete));
            Assert.True(request.Begun.Stream);
            Assert.True(request.Finished.CostNanoUsd > 0);
        }
        // What the client adds up is what was recorded: nothing of the usage got lost between the formats.
        var usage = run.Printed.GetProperty("usage");
        Assert.Equal(usage.GetProperty("output_tokens").GetInt64(), requests.Sum(r => r.Finished.Usage!.OutputTokens));
        Assert.Equal(usage.GetProperty("cache_read_input_tokens").GetInt64(), requests.Sum(r => r.Finished.Usage!.CacheRead));
    }

    private static string Dialect(ClaudeConnection connection) => connection == ClaudeConnection.AuthToken ? "anthropic" : connection.ToString().ToLowerInvariant();
}
