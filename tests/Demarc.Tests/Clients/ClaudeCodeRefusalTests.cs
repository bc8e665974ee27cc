using System.Diagnostics;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>A refusal helps (law 9): Claude Code shows it well, and does not retry what cannot succeed.</summary>
public sealed class ClaudeCodeRefusalTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    public static TheoryData<ClaudeVersion> Versions => [.. Enum.GetValues<ClaudeVersion>()];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_unknown_model_is_refused_once_with_our_words(ClaudeVersion version)
    {
        await using var tee = new RecordingTee(gateway.Url);

        var run = await RunAsync(version, tee, gateway.DeveloperKey, "--model", "nosuch");

        Assert.Single(tee.Posts);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("API Error: 400 There is no alias or deployment \"nosuch\". Available: ", run.Result, StringComparison.Ordinal);
        Assert.EndsWith("Choose one with /model.", run.Result, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ClaudeVersion.Newest, ClaudeConnection.Bedrock)]
    [InlineData(ClaudeVersion.Older, ClaudeConnection.Bedrock)]
    [InlineData(ClaudeVersion.Newest, ClaudeConnection.Vertex)]
    [InlineData(ClaudeVersion.Older, ClaudeConnection.Vertex)]
    public async Task An_unknown_model_is_refused_once_in_the_clouds_modes_too(ClaudeVersion version, ClaudeConnection connection)
    {
        await using var tee = new RecordingTee(gateway.Url);

        var run = await ClaudeCode.RunAsync(version, connection.Environment(tee.Url, gateway.DeveloperKey), "--model", "nosuch");

        Assert.Single(tee.Posts);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("API Error: 400 There is no alias or deployment \"nosuch\". Available: ", run.Result, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_revoked_key_is_refused_once_and_says_so(ClaudeVersion version)
    {
        await using var store = await gateway.OpenStoreAsync();
        var (key, secret) = await gateway.NewKeyAsync(store);
        await using var tee = new RecordingTee(gateway.Url);
        Assert.True((await RunAsync(version, tee, secret.Reveal())).Listed);
        var served = tee.Posts.Length;

        await store.ApiKeys.UpdateAsync(key.OrganizationId, key.Id, new ActorRecord("cli", "test"), status: "inactive");
        await RefusedAsync(secret.Reveal());
        var run = await RunAsync(version, tee, secret.Reveal());

        Assert.Equal(1, tee.Posts.Length - served);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("revoked", run.Result, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_spend_limit_that_is_reached_is_shown_once_with_the_day_on_which_it_resets(ClaudeVersion version)
    {
        await using var store = await gateway.OpenStoreAsync();
        var (key, secret) = await gateway.NewKeyAsync(store);
        using var limit = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/organizations/spend_limits"))
        {
            Content = new StringContent($$"""{"scope":{"type":"api_key","api_key_id":"{{key.Id}}"},"amount":"0"}""", null, "application/json"),
            Headers = { { "x-api-key", gateway.AdminKey } },
        };
        using var set = await gateway.Http.SendAsync(limit, TestContext.Current.CancellationToken);
        Assert.True(set.IsSuccessStatusCode, await set.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        await using var tee = new RecordingTee(gateway.Url);

        var run = await RunAsync(version, tee, secret.Reveal());

        Assert.Single(tee.Posts);
        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"^API Error: Request rejected \(429\) · spend limit reached \(monthly; resets \d{4}-\d\d-01 00:00 UTC\)", run.Result);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_overloaded_provider_is_waited_for(ClaudeVersion version)
    {
        await using var tee = new RecordingTee(gateway.Url);
        gateway.Simulator.Script.Set(new ScriptRule { Times = 1, Fault = new ScriptFault { Kind = FaultKind.Overloaded } });

        var run = await RunAsync(version, tee, gateway.DeveloperKey);

        Assert.True(run.Listed, run.Result);
        Assert.Equal(3, tee.Posts.Length);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_providers_rate_limit_is_waited_for_as_long_as_it_says(ClaudeVersion version)
    {
        await using var tee = new RecordingTee(gateway.Url);
        gateway.Simulator.Script.Set(new ScriptRule { Times = 1, Fault = new ScriptFault { Kind = FaultKind.RateLimited, RetryAfter = "3" } });

        var run = await RunAsync(version, tee, gateway.DeveloperKey);

        Assert.True(run.Listed, run.Result);
        var log = gateway.Simulator.Log.Read()[^3..];
        Assert.Equal(429, log[0].Status);
        // Without the header the client's first wait is below one second.
        Assert.True(Stopwatch.GetElapsedTime(log[0].Ended!.Value.Ticks, log[1].Arrived.Ticks) > TimeSpan.FromSeconds(2.5));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_gateways_own_bad_credential_is_not_shown_as_the_developers(ClaudeVersion version)
    {
        await using var tee = new RecordingTee(gateway.Url);
        gateway.Simulator.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Unauthorized } });

        var run = await RunAsync(version, tee, gateway.DeveloperKey);

        Assert.Single(tee.Posts);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("did not accept the gateway's credential", run.Result, StringComparison.Ordinal);
        Assert.DoesNotContain("authenticate", run.Result, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("/login", run.Result, StringComparison.Ordinal);
    }

    private async Task<ClaudeRun> RunAsync(ClaudeVersion version, RecordingTee tee, string key, params string[] arguments)
    {
        try
        {
            return await ClaudeCode.RunAsync(version, ClaudeConnection.AuthToken.Environment(tee.Url, key), arguments);
        }
        finally
        {
            gateway.Simulator.Script.Clear();
        }
    }

    /// <summary>Returns when the key is refused; fails when that takes longer than the five seconds of law 7.</summary>
    private async Task RefusedAsync(string key)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Url, "/v1/models")) { Headers = { { "x-api-key", key } } };
            using var answer = await gateway.Http.SendAsync(request, patience.Token);
            if ((int)answer.StatusCode == 401)
                return;
            await Task.Delay(50, patience.Token);
        }
    }
}
