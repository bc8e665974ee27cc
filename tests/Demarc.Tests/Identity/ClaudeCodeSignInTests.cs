using System.Text.Json;
using Demarc.Tests.Clients;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>The real Claude Code, headless, signed in as its own <c>/login</c> leaves it.</summary>
public sealed class ClaudeCodeSignInTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_signed_in_client_takes_its_settings_and_completes_a_tool_loop(bool expired)
    {
        await using var place = await SignInPlace.StartAsync(rest: """
            policies:
              - { settings: { env: { CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1" } } }
            """);
        await using var tee = new RecordingTee(place.Gateway.Url);
        var tokens = await place.SignInAsync();

        var run = await ClaudeCode.RunAsync(ClaudeVersion.Newest, new Dictionary<string, string>(), Credentials(tee.Url, tokens, expired), []);

        Assert.True(run.Listed, run.Result);
        var requests = await place.Gateway.RequestsAsync();
        Assert.Equal(2, requests.Length);
        Assert.All(requests, r => Assert.Equal("zed@corp.example", r.Begun.Actor.Email));
        // The settings took effect: their variable makes the client name them.
        Assert.All(tee.Posts.Where(p => p.Target.StartsWith("/v1/messages", StringComparison.Ordinal)), p => Assert.StartsWith("sha256:", p.Header("x-claude-code-managed-settings-checksum"), StringComparison.Ordinal));
        // It refreshed once, as what it held had expired.
        Assert.Equal(expired ? 1 : 0, await place.Gateway.SqlAsync<long>("SELECT generation FROM sign_ins"));
        Assert.Equal(1, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM users WHERE email = 'zed@corp.example'"));
    }

    [Fact]
    public async Task A_client_whose_session_has_ended_is_told_to_sign_in_again()
    {
        await using var place = await SignInPlace.StartAsync();
        var tokens = await place.SignInAsync();
        await place.PostAsync("/oauth/revoke", ("token", tokens.Refresh()), ("token_type_hint", "refresh_token"));
        using (await SignInTests.RefusedAsync(place, tokens.Access()))
        {
        }

        var run = await ClaudeCode.PrintAsync(ClaudeVersion.Newest, new Dictionary<string, string>(), Credentials(place.Gateway.Url, tokens, expired: false), []);

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("sign in again with /login", run.Output + run.Errors, StringComparison.Ordinal);
    }

    internal static string Credentials(Uri url, JsonElement tokens, bool expired)
    {
        var at = url.AbsoluteUri.TrimEnd('/');
        return JsonSerializer.Serialize(new
        {
            gatewayTrust = new Dictionary<string, string> { [url.Authority] = "http-loopback", [url.Host] = "http-loopback" },
            enterpriseGateway = new
            {
                url = at,
                jwt = tokens.Access(),
                expiresAt = (TimeProvider.System.GetUtcNow() + (expired ? TimeSpan.FromMinutes(-1) : TimeSpan.FromMinutes(50))).ToUnixTimeMilliseconds(),
                tokenEndpoint = at + "/oauth/token",
                idpRefreshToken = tokens.Refresh(),
            },
        });
    }
}
