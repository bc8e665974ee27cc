using System.Net;
using Demarc.Governance.Identity;
using Demarc.Tests.Harness;
using Demarc.Tests.Identity.Scim;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>What strangers may try, by address and account (<see cref="AbuseLimits"/>).</summary>
public sealed class AbuseLimitTests
{
    [Fact]
    public async Task Guessing_keys_ends_and_takes_nobody_with_it_who_has_one_in_use()
    {
        var time = new SteppedTime();
        var log = new LogLines();
        await using var gateway = await GatewayFixture.StartAsync(time: time, log: log);
        await using var store = await gateway.OpenStoreAsync();
        var (_, fresh) = await gateway.NewKeyAsync(store);
        async Task<(HttpStatusCode Status, string Text)> AskAsync(string path, string key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Url, path));
            request.Headers.Add("x-api-key", key);
            using var answer = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
        Assert.Equal(HttpStatusCode.OK, (await AskAsync("/v1/models", gateway.DeveloperKey)).Status);

        // One wrong key without end is a client that nobody mended; it closes nothing.
        for (var i = 0; i < 150; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync("/v1/models", "demarc_key_stale")).Status);
        // Of every kind and at every route it is one count.
        string[] paths = ["/v1/models", "/v1/organizations/users", "/v1/compliance/activities", "/managed/settings"];
        for (var i = 0; i < 99; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(paths[i % paths.Length], i % 2 == 0 ? $"demarc_key_guess{i}" : $"eyJhbGciOiJFUzI1NiJ9.e30.guess{i}")).Status);

        foreach (var path in paths)
        {
            var (status, text) = await AskAsync(path, "demarc_key_another");
            Assert.Equal(HttpStatusCode.TooManyRequests, status);
            Assert.Contains("Too many different keys that do not hold came from this address", text, StringComparison.Ordinal);
        }
        using (var asked = await MessagesAsync(gateway, "demarc_key_another"))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, asked.StatusCode);
            Assert.Equal("false", asked.Headers.GetValues("x-should-retry").Single());
        }
        // Who shares the address is not shut out, whether the key was seen before or not: what was made here is no guess.
        Assert.Equal(HttpStatusCode.OK, (await AskAsync("/v1/models", fresh.Reveal())).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync("/v1/models", gateway.DeveloperKey)).Status);
        Assert.Single(log.Text.Split("Too many different keys that do not hold came from 127.0.0.1")[1..]);
        time.Step(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync("/v1/models", "demarc_key_another")).Status);
    }

    [Fact]
    public async Task An_account_signs_in_and_a_session_is_refreshed_so_often_and_no_more()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync(time: time);
        var tokens = await place.SignInAsync();
        for (var i = 0; i < 120; i++)
            Assert.Equal(HttpStatusCode.OK, (await place.RefreshAsync(tokens.Refresh())).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.RefreshAsync(tokens.Refresh())).Status);
        for (var i = 0; i < 29; i++)
            await place.SignInAsync();

        var (status, page) = await place.ApproveAsync((await place.DeviceAsync()).GetProperty("user_code").GetString()!, "zed");
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("signed in too often", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await place.ApproveAsync((await place.DeviceAsync()).GetProperty("user_code").GetString()!, "amy")).Status);
    }

    [Fact]
    public async Task Tokens_of_machines_and_directories_cannot_be_tried_one_after_the_other()
    {
        await using var place = await SignInPlace.StartAsync(rest: $"scim: {{ tokens: [{ScimPlace.Token}] }}");
        var device = await place.DeviceAsync();
        for (var i = 0; i < 10; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await place.RefreshAsync($"demarc_refresh_{i}")).Status);
        Assert.Equal("slow_down", (await place.RedeemAsync(device)).Json.GetProperty("error").GetString());

        for (var i = 0; i < 20; i++)
        {
            using var refused = await place.GetAsync("/scim/v2/Users", $"guess-{i}");
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
        using var right = await place.GetAsync("/scim/v2/Users", ScimPlace.Token);
        Assert.Equal(HttpStatusCode.TooManyRequests, right.StatusCode);
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64")]
    [InlineData("::1", "::1")]
    public void A_network_of_version_6_counts_as_one_address(string address, string counted) =>
        Assert.Equal(counted, AbuseLimits.Of(IPAddress.Parse(address)));

    private static async Task<HttpResponseMessage> MessagesAsync(GatewayFixture gateway, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/messages"));
        request.Headers.Add("x-api-key", key);
        request.Content = new StringContent("{}");
        return await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
