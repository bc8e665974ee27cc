using System.Net;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Identity.Scim;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>What of sign-in, seats and directories is taken while the gateway serves, and what waits for its next start.</summary>
public sealed class IdentityReloadTests
{
    private const string Other = "another-token-of-the-test-0123456789abcdef";

    [Fact]
    public async Task Issuers_seats_and_directory_tokens_change_without_a_restart()
    {
        await using var place = await SignInPlace.StartAsync(rest: $"scim: {{ tokens: [{ScimPlace.Token}] }}\nseats: {{ groups: [developers] }}");
        await place.SignInAsync("zed");
        var config = Path.Combine(place.Gateway.DataDirectory, "demarc.yaml");
        var first = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);

        await WriteAsync(place.Gateway, first
            .Replace("allowed_groups: [developers]", "allowed_groups: [contractors]", StringComparison.Ordinal)
            .Replace("identity:", "identity:\n  login_notice: Another notice.\n  session: 2h", StringComparison.Ordinal)
            .Replace(ScimPlace.Token, Other, StringComparison.Ordinal)
            .Replace("seats: { groups: [developers] }", "seats: { groups: [contractors], maximum: 1, help: Ask nobody. }", StringComparison.Ordinal));

        Assert.Equal("Another notice.", (await place.DeviceAsync()).GetProperty("login_notice").GetString());
        Assert.Equal(HttpStatusCode.Forbidden, (await place.ApproveAsync((await place.DeviceAsync()).GetProperty("user_code").GetString()!, "zed")).Status);
        var tokens = await place.SignInAsync("ana+contractors");
        Assert.InRange(await place.Gateway.SqlAsync<long>("SELECT (expires_at - created_at) / 1000 FROM sign_ins ORDER BY created_at DESC LIMIT 1"), 7100, 7200);
        Assert.NotEmpty(tokens.Access());
        var (status, page) = await place.ApproveAsync((await place.DeviceAsync()).GetProperty("user_code").GetString()!, "ben+contractors");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("all 1 seats are taken. Ask nobody.", page, StringComparison.Ordinal);
        // Whom the new rules give no seat has none any more.
        Assert.Equal(1, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM seats"));
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await DirectoryAsync(place, ScimPlace.Token), await DirectoryAsync(place, Other)));
        Assert.Null(await WaitingAsync(place.Gateway));
    }

    [Fact]
    public async Task What_is_taken_out_lets_nobody_in_any_more()
    {
        await using var place = await SignInPlace.StartAsync(rest: $"scim: {{ tokens: [{ScimPlace.Token}] }}");
        var tokens = await place.SignInAsync("zed");
        var config = await File.ReadAllTextAsync(Path.Combine(place.Gateway.DataDirectory, "demarc.yaml"), TestContext.Current.CancellationToken);

        await WriteAsync(place.Gateway, config[config.IndexOf("resources:", StringComparison.Ordinal)..config.IndexOf("scim:", StringComparison.Ordinal)]);

        Assert.Equal("identity, scim", await WaitingAsync(place.Gateway));
        Assert.Equal(HttpStatusCode.Unauthorized, await DirectoryAsync(place, ScimPlace.Token));
        using var browser = SignInPlace.NewBrowser();
        using var typed = await place.TypeAsync(browser, (await place.DeviceAsync()).GetProperty("user_code").GetString()!);
        Assert.Equal(HttpStatusCode.BadRequest, typed.StatusCode);
        using var served = await place.AskAsync(tokens.Access());
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
    }

    [Fact]
    public async Task What_waits_for_the_next_start_is_named_in_the_log_and_on_record()
    {
        var log = new LogLines();
        await using var place = await SignInPlace.StartAsync(log: log);
        var config = Path.Combine(place.Gateway.DataDirectory, "demarc.yaml");
        var first = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);

        await WriteAsync(place.Gateway, first + $"\nscim: {{ tokens: [{ScimPlace.Token}], listen: \"127.0.0.1:0\" }}\ntrusted_proxies: [10.0.0.0/8]\nmetrics: {{ public: true }}\n");

        Assert.Equal("trusted_proxies, metrics, scim.listen, scim", await WaitingAsync(place.Gateway));
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), () => Task.FromResult(log.Text.Contains("until this process is started anew: trusted_proxies, metrics, scim.listen, scim", StringComparison.Ordinal)));
        // As it was at the start: nothing waits, whatever the spelling.
        await WriteAsync(place.Gateway, "# a comment\n" + first);
        Assert.Null(await WaitingAsync(place.Gateway));
    }

    /// <summary>Writes a configuration and waits until it is taken.</summary>
    internal static async Task WriteAsync(GatewayFixture gateway, string text)
    {
        const string loads = "SELECT count(*) FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%demarc_configuration_loaded%'";
        var before = await gateway.SqlAsync<long>(loads);
        await File.WriteAllTextAsync(Path.Combine(gateway.DataDirectory, "demarc.yaml"), text);
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => await gateway.SqlAsync<long>(loads) > before);
    }

    /// <summary>What the last reload says that waits for the next start; null for nothing.</summary>
    internal static Task<string?> WaitingAsync(GatewayFixture gateway) => gateway.SqlAsync<string>(
        "SELECT json_extract(CAST(body AS text), '$.fields.needs_restart') FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%demarc_configuration_loaded%' ORDER BY sequence DESC LIMIT 1");

    private static async Task<HttpStatusCode> DirectoryAsync(SignInPlace place, string token)
    {
        using var answer = await place.GetAsync("/scim/v2/Users", token);
        return answer.StatusCode;
    }
}
