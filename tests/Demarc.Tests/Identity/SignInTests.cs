using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Sign-in as Claude Code does it, against npm's oidc-provider.</summary>
public sealed class SignInTests
{
    private const string Policies =
        """
        policies:
          - { settings: { permissions: { deny: ["Read(./.env)"] }, cleanupPeriodDays: 20, env: { B: "2", A: "é\"\n" } } }
          - { match: { groups: [developers] }, models: [claude-opus-4-7], settings: { permissions: { deny: [WebSearch] }, cleanupPeriodDays: 30 } }
        """;

    [Fact]
    public async Task A_person_signs_in_asks_a_model_refreshes_and_signs_out()
    {
        await using var place = await SignInPlace.StartAsync(rest: Policies);
        var device = await place.DeviceAsync();
        Assert.Matches("^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$", device.GetProperty("user_code").GetString());
        Assert.StartsWith(place.Gateway.Url.AbsoluteUri, device.GetProperty("verification_uri_complete").GetString(), StringComparison.Ordinal);
        Assert.InRange(device.GetProperty("login_notice").GetString()!.Length, 1, 500);
        Assert.Equal("authorization_pending", (await place.RedeemAsync(device)).Json.GetProperty("error").GetString());
        Assert.Equal("slow_down", (await place.RedeemAsync(device)).Json.GetProperty("error").GetString());

        var tokens = await place.SignInAsync();

        var claims = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(tokens.Access().Split('.')[1])).RootElement;
        Assert.Equal(("zed@corp.example", "zed", "developers"), (claims.GetProperty("email").GetString(), claims.GetProperty("name").GetString(), claims.GetProperty("groups")[0].GetString()));
        Assert.Equal("zed@corp.example", tokens.GetProperty("email").GetString());
        using (var answer = await place.AskAsync(tokens.Access()))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(("user", "zed@corp.example"), (await place.Gateway.RequestsAsync())[^1].Begun.Actor is var actor ? (actor.Type, actor.Email) : default);

        var (refreshed, next) = await place.RefreshAsync(tokens.Refresh());
        Assert.Equal(HttpStatusCode.OK, refreshed);
        Assert.NotEqual(tokens.Refresh(), next.Refresh());
        Assert.Equal(HttpStatusCode.OK, (await place.PostAsync("/oauth/revoke", ("token", next.Access()))).Status);
        using var refused = await RefusedAsync(place, tokens.Access());
        Assert.Equal("false", refused.Headers.GetValues("x-should-retry").Single());
        Assert.Contains("/login", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_grant"), await place.RefreshAsync(next.Refresh()) is var (status, error) ? (status, error.GetProperty("error").GetString()) : default);
    }

    [Fact]
    public async Task A_refresh_token_that_comes_again_later_ends_the_session()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync(time: time);
        var first = await place.SignInAsync();
        var (_, second) = await place.RefreshAsync(first.Refresh());
        // An answer that was lost: the same next token, no end.
        Assert.Equal(second.Refresh(), (await place.RefreshAsync(first.Refresh())).Json.Refresh());
        using (var answer = await place.AskAsync(second.Access()))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        time.Step(TimeSpan.FromSeconds(31));
        Assert.Equal(HttpStatusCode.Unauthorized, (await place.RefreshAsync(first.Refresh())).Status);

        Assert.Equal(HttpStatusCode.Unauthorized, (await place.RefreshAsync(second.Refresh())).Status);
        using var refused = await RefusedAsync(place, second.Access());
    }

    [Fact]
    public async Task Settings_follow_from_the_policies_with_a_checksum_that_the_client_computes_too()
    {
        await using var place = await SignInPlace.StartAsync(rest: Policies);
        var token = (await place.SignInAsync()).Access();

        using var answer = await place.GetAsync("/managed/settings", token);

        const string settings =
            """{"availableModels":["claude-opus-4-7"],"cleanupPeriodDays":20,"enforceAvailableModels":true,"env":{"A":"é\"\n","B":"2"},"permissions":{"deny":["Read(./.env)","WebSearch"]},"skipWebFetchPreflight":true}""";
        var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal(settings, document.GetProperty("settings").GetRawText());
        var checksum = "sha256:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(settings)));
        Assert.Equal(checksum, document.GetProperty("checksum").GetString());
        Assert.True(Guid.TryParse(document.GetProperty("uuid").GetString(), out _));
        Assert.Equal($"\"{checksum}\"", answer.Headers.ETag!.Tag);
        foreach (var (tag, status) in new[] { ($"\"{checksum}\"", HttpStatusCode.NotModified), ("*", HttpStatusCode.NotModified), ("\"sha256:0\"", HttpStatusCode.OK) })
        {
            using var again = await place.GetAsync("/managed/settings", token, tag);
            Assert.Equal(status, again.StatusCode);
        }
    }

    [Fact]
    public async Task Claude_Desktop_gets_what_its_policy_says_and_cannot_be_sent_elsewhere()
    {
        await using var place = await SignInPlace.StartAsync(rest: Policies + """

              - { match: { groups: [developers] }, desktop: { inferenceGatewayBaseUrl: "https://evil.example", disabledBuiltinTools: [Bash] } }
            """);

        using var answer = await place.GetAsync("/user/bootstrap", (await place.SignInAsync()).Access());

        Assert.Equal(
            $$"""{"disabledBuiltinTools":["WebSearch","Bash"],"inferenceGatewayAuthScheme":"sso","inferenceGatewayBaseUrl":"{{place.Gateway.Url.AbsoluteUri.TrimEnd('/')}}","inferenceModels":["claude-opus-4-7"],"inferenceProvider":"gateway"}""",
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Without_a_policy_there_are_no_settings()
    {
        await using var place = await SignInPlace.StartAsync();
        var token = (await place.SignInAsync()).Access();
        foreach (var path in new[] { "/managed/settings", "/user/bootstrap" })
        {
            using var answer = await place.GetAsync(path, token);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Who_is_in_no_allowed_group_is_told_so_and_made_nobody()
    {
        await using var place = await SignInPlace.StartAsync();
        var device = await place.DeviceAsync();

        var (status, page) = await place.ApproveAsync(device.GetProperty("user_code").GetString()!, "eve+marketing");

        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("in no group that may use this gateway", page, StringComparison.Ordinal);
        Assert.Equal("access_denied", (await place.RedeemAsync(device)).Json.GetProperty("error").GetString());
        Assert.Equal(0, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM users WHERE email = 'eve@corp.example'"));
        Assert.Equal(1, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%demarc_sign_in_refused%not_allowed%'"));
    }

    [Fact]
    public async Task An_address_that_nobody_verified_opens_no_account()
    {
        await using var place = await SignInPlace.StartAsync();
        var device = await place.DeviceAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await place.ApproveAsync(device.GetProperty("user_code").GetString()!, "unverified")).Status);
    }

    [Fact]
    public async Task An_address_that_another_subject_has_does_not_open_its_account()
    {
        await using var place = await SignInPlace.StartAsync();
        await place.SignInAsync("zed");
        var device = await place.DeviceAsync();

        // The same address, another subject: somebody who got the address after zed left.
        var (status, page) = await place.ApproveAsync(device.GetProperty("user_code").GetString()!, "zed+developers");

        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("belongs to another account", page, StringComparison.Ordinal);
    }

    internal static async Task<HttpResponseMessage> RefusedAsync(SignInPlace place, string token)
    {
        // Revocation is followed within a second or two; nothing tells a client of it but an answer.
        for (var end = Environment.TickCount64 + 5000; ;)
        {
            var answer = await place.AskAsync(token);
            var isRefused = answer.StatusCode == HttpStatusCode.Unauthorized;
            answer.Dispose();
            // The one that it ended was under way, and reads otherwise than those after it.
            if (isRefused)
                return await place.AskAsync(token);
            Assert.True(Environment.TickCount64 < end, "Still served five seconds after the end of its session.");
        }
    }
}
