using System.Collections.Frozen;
using System.Net;
using System.Text;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary><c>require.network: private</c>, held against what is really connected to.</summary>
public sealed class PrivateNetworkTests
{
    // A network for documentation (RFC 5737), which nothing is connected to.
    private const string Elsewhere = "192.0.2.1";

    [Fact]
    public async Task A_name_that_leads_elsewhere_when_it_is_connected_to_gets_nothing()
    {
        await using var place = await GatewayFixture.StartAsync(Configuration($"https://{Elsewhere}:9", ""));
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(10), () => Task.FromResult(Reach(place) == NetworkReach.Public));
        // As if it had been private when it was looked up, half a minute ago.
        place.Gateway.Health.Resolved(FrozenDictionary.ToFrozenDictionary<string, NetworkReach>([new(Elsewhere, NetworkReach.Private)]));

        var (status, error, retry) = await AskAsync(place);
        Assert.Equal((HttpStatusCode.BadRequest, "policy_blocked", "false"), (status, error.Type, retry));
        Assert.Contains("The address of \"direct\" is public", error.Message, StringComparison.Ordinal);
        Assert.Equal(NetworkReach.Public, Reach(place));
        var finished = Assert.Single(await place.RequestsAsync()).Finished;
        Assert.Equal(("upstream_lost", 0L, false), (finished.Result, finished.CostNanoUsd, finished.Incomplete));
    }

    [Fact]
    public async Task What_a_proxy_connects_to_is_not_seen_and_counts_as_private_only_where_that_is_declared()
    {
        await using var proxy = new ForwardProxy();
        await using (var place = await GatewayFixture.StartAsync(Configuration("SIMULATOR/direct", $"proxy: {proxy.Address}")))
        {
            var (status, error, _) = await AskAsync(place);
            Assert.Equal((HttpStatusCode.BadRequest, "policy_blocked"), (status, error.Type));
            Assert.Contains("edge.private_network: available", error.Message, StringComparison.Ordinal);
            Assert.Empty(proxy.Requests);
        }
        var declared = $"proxy: {proxy.Address}\n    facts: {{ edge.private_network: {{ value: available, reason: The proxy is in the same network }} }}";
        await using (var place = await GatewayFixture.StartAsync(Configuration("SIMULATOR/direct", declared)))
        {
            Assert.Equal(HttpStatusCode.OK, (await AskAsync(place)).Status);
            Assert.Single(proxy.Requests);
        }
    }

    private static string Configuration(string endpoint, string more) => $$"""
        resources:
          - name: direct
            platform: anthropic
            endpoint: {{endpoint}}
            credential: { api_key: sk-direct }
            deployments: [{ name: haiku, model: claude-haiku-4-5-20251001 }]
            {{more}}
        policies:
          - { capture: metadata, require: { network: private } }
        """;

    private static NetworkReach Reach(GatewayFixture place)
    {
        var resource = new ResourceSnapshot { Name = "direct", Platform = Platform.Anthropic, Endpoint = new Uri($"https://{Elsewhere}:9"), Agreements = [], Credential = new KeyCredential(new("x")) };
        return place.Gateway.Health.View.ReachOf(new DeploymentSnapshot { Resource = resource, Name = "haiku", Model = "claude-haiku-4-5-20251001", Scope = "global", Hosting = Hosting.Anthropic });
    }

    private static async Task<(HttpStatusCode Status, (string Type, string Message) Error, string? Retry)> AskAsync(GatewayFixture place)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(place.Url, "/v1/messages"));
        request.Headers.Add("x-api-key", place.DeveloperKey);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Content = new StringContent(ProxyPlace.Body("haiku"), Encoding.UTF8, "application/json");
        using var response = await place.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, response.IsSuccessStatusCode ? default : Answers.Error(body), response.Headers.TryGetValues("x-should-retry", out var retry) ? retry.Single() : null);
    }
}
