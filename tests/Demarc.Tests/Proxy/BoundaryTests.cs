using System.Globalization;
using System.Net;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Proxy;

public sealed class BoundaryTests
{
    [Fact]
    public async Task Zero_data_retention_lapses_with_its_addendum_and_nothing_leaves_from_then_on()
    {
        var time = new SteppedTime();
        var until = time.GetUtcNow().AddDays(2).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        await using var place = await StartAsync($"zdr: {{ executed: 2026-01-01, until: {until} }}", "zdr: true", time);

        var served = await AskAsync(place, ProxyPlace.Body("haiku"));
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.Equal(("anthropic", "us", "30d"), (Header(served, "demarc-processor"), Header(served, "demarc-inference"), Header(served, "demarc-retention")));

        time.Step(TimeSpan.FromDays(3));
        var refused = await AskAsync(place, ProxyPlace.Body("haiku"));
        var (type, message) = Answers.Error(await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((HttpStatusCode.BadRequest, "policy_blocked", "false"), (refused.StatusCode, type, Header(refused, "x-should-retry")));
        Assert.Contains("addendum", message, StringComparison.Ordinal);
        Assert.Single(place.Simulator.Log.Read());
    }

    [Theory]
    [InlineData("\"container\":\"c\"", "policy_blocked", "container")]
    [InlineData("\"mcp_servers\":[{\"type\":\"url\",\"url\":\"https://x.example\",\"name\":\"x\"}]", "policy_blocked", "mcp_servers")]
    [InlineData("\"fallbacks\":[{\"model\":\"claude-fable-5\"}]", "policy_blocked", "claude-fable-5")]
    [InlineData("\"tools\":[{\"type\":\"custom\",\"type\":\"code_execution_20250825\",\"name\":\"x\"}]", "invalid_request_error", "tools.type")]
    public async Task What_the_boundary_does_not_hold_is_refused_before_any_byte_leaves(string field, string expected, string named)
    {
        await using var place = await StartAsync("zdr: { executed: 2026-01-01 }", "zdr: true", TimeProvider.System);
        var refused = await AskAsync(place, ProxyPlace.Body("haiku").Replace("\"max_tokens\"", field + ",\"max_tokens\"", StringComparison.Ordinal));
        var (type, message) = Answers.Error(await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((HttpStatusCode.BadRequest, expected), (refused.StatusCode, type));
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Empty(place.Simulator.Log.Read());
    }

    [Fact]
    public async Task What_a_platform_lacks_is_the_clients_to_leave_out()
    {
        await using var place = await StartAsync("zdr: { executed: 2026-01-01 }", "max_retention_days: 30", TimeProvider.System);
        var refused = await AskAsync(place, ProxyPlace.Body("azure").Replace("\"max_tokens\"", "\"inference_geo\":\"us\",\"max_tokens\"", StringComparison.Ordinal));
        var (type, message) = Answers.Error(await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("invalid_request_error", type);
        Assert.Contains("inference_geo", message, StringComparison.Ordinal);
        Assert.Empty(place.Simulator.Log.Read());
    }

    [Fact]
    public async Task A_private_network_is_looked_up_and_loopback_is_private()
    {
        await using var place = await StartAsync("zdr: { executed: 2026-01-01 }", "network: private", TimeProvider.System);
        var started = TimeProvider.System.GetTimestamp();
        // Refused until the address is known, which is soon.
        while ((await AskAsync(place, ProxyPlace.Body("haiku"))).StatusCode != HttpStatusCode.OK)
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "The address was not looked up within 10 s.");
    }

    private static Task<GatewayFixture> StartAsync(string addendum, string require, TimeProvider time) => GatewayFixture.StartAsync(
        $$"""
        agreements:
          - { name: commercial, party: anthropic, {{addendum}} }
        resources:
          - name: direct
            platform: anthropic
            endpoint: SIMULATOR/direct
            agreements: [commercial]
            credential: { api_key: sk-direct }
            deployments: [{ name: haiku, model: claude-haiku-4-5-20251001, scope: "data-zone:us" }]
          - name: foundry
            platform: foundry
            endpoint: SIMULATOR/foundry/anthropic
            region: eastus2
            agreements: [commercial]
            credential: { api_key: sk-foundry }
            deployments: [{ name: azure, model: claude-haiku-4-5-20251001, hosting: azure }]
        policies:
          - require: { {{require}} }
        """,
        time);

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).SingleOrDefault();

    private static async Task<HttpResponseMessage> AskAsync(GatewayFixture place, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(place.Url, "/v1/messages")) { Content = new StringContent(body, null, "application/json") };
        request.Headers.Add("x-api-key", place.DeveloperKey);
        request.Headers.Add("anthropic-version", "2023-06-01");
        return await place.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
