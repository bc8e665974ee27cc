using System.Text;
using Demarc.Simulator.Logging;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>Claude Code works as it does without a gateway: the tool loop completes, and its bytes arrive as it sent them.</summary>
public sealed class ClaudeCodeTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static readonly string[] Credentials = ["authorization", "x-api-key", "api-key"];

    // Of the connection, not of the request.
    private static readonly string[] PerHop = ["connection", "host", "content-length", "accept-encoding"];

    public static TheoryData<ClaudeVersion, ClaudeConnection> Ways =>
        [.. from version in Enum.GetValues<ClaudeVersion>() from connection in Enum.GetValues<ClaudeConnection>() where connection < ClaudeConnection.Bedrock select (version, connection)];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_tool_loop_completes_and_its_bytes_arrive_as_sent(ClaudeVersion version, ClaudeConnection connection)
    {
        await using var tee = new RecordingTee(gateway.Url);
        var since = Since();

        var run = await ClaudeCode.RunAsync(version, connection.Environment(tee.Url, gateway.DeveloperKey));

        Assert.True(run.Listed, run.Result);
        var received = gateway.Simulator.Log.Read(since);
        Assert.Equal(2, received.Length);
        Assert.Equal(2, tee.Posts.Length);
        Assert.True(tee.Posts[1].Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(string.Join("\\n", ClaudeCode.Files))) >= 0);
        foreach (var (sent, got) in tee.Posts.Zip(received))
        {
            Assert.Equal(sent.Body, got.Body);
            AssertForwarded(sent, got);
        }
    }

    [Theory]
    [InlineData(ClaudeVersion.Newest)]
    [InlineData(ClaudeVersion.Older)]
    public async Task An_alias_changes_the_model_name_and_no_other_byte(ClaudeVersion version)
    {
        const string alias = "us.anthropic.claude-opus-5-5";
        await using var tee = new RecordingTee(gateway.Url);
        var since = Since();

        var run = await ClaudeCode.RunAsync(version, ClaudeConnection.AuthToken.Environment(tee.Url, gateway.DeveloperKey), "--model", alias);

        Assert.True(run.Listed, run.Result);
        var received = gateway.Simulator.Log.Read(since);
        Assert.Equal(2, received.Length);
        foreach (var (sent, got) in tee.Posts.Zip(received))
            Assert.Equal(Renamed(sent.Body, alias, "claude-opus-5-5"), got.Body);
        foreach (var request in (await gateway.RequestsAsync())[^2..])
        {
            Assert.Equal(alias, request.Begun.ModelAsked);
            Assert.Equal("claude-opus-5-5", request.Finished.ModelServed);
            Assert.Contains("model", request.Begun.Splices);
        }
    }

    [Theory]
    [InlineData(ClaudeVersion.Newest, "2.1.330")]
    [InlineData(ClaudeVersion.Older, "2.1.197")]
    public async Task A_run_is_on_record_with_who_what_and_what_it_cost(ClaudeVersion version, string number)
    {
        var before = (await gateway.RequestsAsync()).Length;

        var run = await ClaudeCode.RunAsync(version, ClaudeConnection.Foundry.Environment(gateway.Url, gateway.DeveloperKey));

        var requests = (await gateway.RequestsAsync())[before..];
        Assert.Equal(2, requests.Length);
        Assert.Single(requests.Select(r => r.SessionId).Distinct());
        foreach (var (begun, finished, _, content) in requests)
        {
            Assert.Equal(run.SessionId, begun.ClientSession);
            Assert.Equal("developer@demarc.example", begun.Actor.Email);
            Assert.StartsWith($"claude-cli/{number}", begun.Actor.UserAgent, StringComparison.Ordinal);
            Assert.Equal(("claude_code", "foundry", "messages", "full"), (begun.Surface, begun.Dialect, begun.Operation, begun.Capture));
            Assert.Equal(("claude-sonnet-4-5", "claude-sonnet-4-5"), (begun.ModelAsked, finished.ModelServed));
            Assert.Equal(("answered", 200, false), (finished.Result, finished.Status, finished.Incomplete));
            Assert.True(finished.CostNanoUsd > 0);
            Assert.True(content > 0);
        }
        // The client adds up what the provider reported; so does the log.
        var usage = run.Printed.GetProperty("usage");
        Assert.Equal(usage.GetProperty("output_tokens").GetInt64(), requests.Sum(r => r.Finished.Usage!.OutputTokens));
        Assert.Equal(usage.GetProperty("input_tokens").GetInt64(), requests.Sum(r => r.Finished.Usage!.InputTokens));
        Assert.Equal(usage.GetProperty("cache_read_input_tokens").GetInt64(), requests.Sum(r => r.Finished.Usage!.CacheRead));
        Assert.Equal(
            usage.GetProperty("cache_creation_input_tokens").GetInt64(),
            requests.Sum(r => r.Finished.Usage!.CacheWrite5m + r.Finished.Usage!.CacheWrite1h));
    }

    private void AssertForwarded(WireRequest sent, LoggedRequest got)
    {
        Assert.EndsWith("/v1/messages?beta=true", got.Target, StringComparison.Ordinal);
        var ignored = Credentials.Concat(PerHop).ToHashSet(StringComparer.OrdinalIgnoreCase);
        Assert.Equal(Sorted(sent.Headers), Sorted(got.Headers));
        foreach (var name in (string[])["anthropic-beta", "anthropic-version", "x-claude-code-session-id", "user-agent"])
            Assert.NotNull(got.Header(name));

        Assert.Equal("identity", got.Header("accept-encoding"));
        Assert.Equal("simulator", got.Header("x-api-key"));
        Assert.Null(got.Header("authorization"));
        Assert.DoesNotContain(got.Headers, header => header.Value.Contains(gateway.DeveloperKey, StringComparison.Ordinal));
        Assert.Equal(-1, got.Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(gateway.DeveloperKey)));

        string[] Sorted(IEnumerable<KeyValuePair<string, string>> headers) =>
            [.. headers.Where(h => !ignored.Contains(h.Key)).Select(h => $"{h.Key.ToLowerInvariant()}: {h.Value}").Order(StringComparer.Ordinal)];
    }

    private static byte[] Renamed(byte[] body, string from, string to)
    {
        var name = Encoding.UTF8.GetBytes($"\"model\":\"{from}\"");
        var at = body.AsSpan().IndexOf(name);
        Assert.True(at >= 0);
        return [.. body[..at], .. Encoding.UTF8.GetBytes($"\"model\":\"{to}\""), .. body[(at + name.Length)..]];
    }

    private long Since() => gateway.Simulator.Log.Read().LastOrDefault()?.Number ?? 0;
}
