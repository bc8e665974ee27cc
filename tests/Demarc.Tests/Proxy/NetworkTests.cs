using System.Net;
using Demarc.Governance.Evidence;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Where requests may come from, and where they may arrive.</summary>
public sealed class NetworkTests
{
    [Theory]
    [InlineData("[{ priority: 1, action: allow, from: [127.0.0.0/8] }]", true)]
    [InlineData("[{ priority: 1, action: allow, from: [10.0.0.0/8] }]", false)]
    [InlineData("[{ priority: 1, action: deny, from: [127.0.0.1/32], name: guests }, { priority: 2, action: allow, from: any }]", false)]
    [InlineData("[{ priority: 2, action: deny, from: any }, { priority: 1, action: allow, from: [127.0.0.1/32] }]", true)]
    public async Task A_networks_requests_are_answered_or_refused_and_on_record(string rules, bool allowed)
    {
        await using var place = await ProxyPlace.StartAsync(policies: $"  - {{ capture: none }}\nnetwork_rules: {rules}");

        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        var (models, _) = await place.SendAsync(WithKey(place, "/v1/models", "developer_key"));
        var (users, _) = await place.SendAsync(WithKey(place, "/v1/organizations/users", "admin_key"));
        var (activities, _) = await place.SendAsync(WithKey(place, "/v1/compliance/activities", "compliance_key"));
        var (live, _) = await place.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/livez"));

        Assert.True(live.IsSuccessStatusCode);
        Assert.All([response, models, users, activities], answer => Assert.Equal(allowed, answer.IsSuccessStatusCode));
        if (allowed)
            return;
        var (type, message) = Answers.Error(body);
        Assert.Equal((400, "policy_blocked"), ((int)response.StatusCode, type));
        Assert.Contains("127.0.0.1", message, StringComparison.Ordinal);
        Assert.Empty(place.Simulator.Log.Read());
        var record = await place.RecordAsync<EventRecord>(RecordKind.Event, r => r.Type == "demarc_inference_refused");
        Assert.Equal(("network_denied", "127.0.0.1", "developer@demarc.example"), (record.Fields["reason"], record.Actor.IpAddress, record.Actor.Email));
        await place.RecordAsync<EventRecord>(RecordKind.Event, r => r.Type == "demarc_admin_refused" && r.Fields["reason"] == "network_denied");
    }

    [Fact]
    public async Task A_stranger_is_told_of_the_key_and_leaves_no_record()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { capture: none }\nnetwork_rules: [{ priority: 1, action: allow, from: [10.0.0.0/8] }]");
        var request = place.Ask(ProxyPlace.Body());
        request.Headers.Remove("x-api-key");

        var (response, _) = await place.SendAsync(request);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(0, await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE body LIKE '%network_denied%'"));
    }

    [Theory]
    [InlineData("[127.0.0.0/8]", "10.1.2.3", true)]
    [InlineData("[127.0.0.0/8]", "192.0.2.1", false)]
    [InlineData("[127.0.0.0/8]", "10.1.2.3, 192.0.2.1", false)] // what the client itself wrote before the proxy
    [InlineData("[192.0.2.0/24]", "10.1.2.3", false)] // from no named proxy
    public async Task A_forwarded_address_counts_from_a_named_proxy_only(string trusted, string forwarded, bool allowed)
    {
        await using var place = await ProxyPlace.StartAsync(
            policies: $"  - {{ capture: none }}\ntrusted_proxies: {trusted}\nnetwork_rules: [{{ priority: 1, action: allow, from: [10.0.0.0/8] }}]");
        var request = place.Ask(ProxyPlace.Body());
        request.Headers.Add("X-Forwarded-For", forwarded);

        var (response, _) = await place.SendAsync(request);

        Assert.Equal(allowed, response.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("", "open/m", true, "open")]
    [InlineData("/closed", "m", false, "closed")]
    [InlineData("", "closed/m", false, "closed")]
    [InlineData("", "both", true, "open")]
    public async Task A_resources_rules_leave_its_deployments_out(string path, string model, bool allowed, string resource)
    {
        await using var gateway = await GatewayFixture.StartAsync("""
            resources:
              - { name: closed, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, network_rules: [{ priority: 1, action: allow, from: [10.0.0.0/8] }], deployments: [{ name: m, model: claude-sonnet-4-6 }] }
              - { name: open, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, network_rules: [{ priority: 1, action: allow, from: [127.0.0.0/8] }], deployments: [{ name: m, model: claude-sonnet-4-6 }] }
            aliases:
              both: [closed/m, open/m]
            """);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, path.StartsWith('/') ? path + "/anthropic/v1/messages" : "/v1/messages"))
        {
            Content = new StringContent(ProxyPlace.Body(model), null, "application/json"),
            Headers = { { "x-api-key", gateway.DeveloperKey }, { "anthropic-version", "2023-06-01" } },
        };

        using var response = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);

        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(allowed == response.IsSuccessStatusCode, body);
        if (allowed)
            Assert.Equal(resource, response.Headers.GetValues("demarc-resource").Single());
        else
            Assert.Contains($"the resource \"{resource}\"", Answers.Error(body).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_administration_can_listen_apart()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { capture: none }\nadmin_listen: [127.0.0.1:0, '[::1]:0']");
        Assert.Equal(3, place.Gateway.Addresses.Length);

        foreach (var address in place.Gateway.Addresses)
        {
            var data = address == place.Gateway.Addresses[0];
            Assert.Equal(data, await AnswersAsync(address, place.Ask(ProxyPlace.Body())));
            Assert.Equal(data, await AnswersAsync(address, WithKey(place, "/v1/models", "developer_key")));
            Assert.Equal(!data, await AnswersAsync(address, WithKey(place, "/v1/organizations/users", "admin_key")));
            Assert.Equal(!data, await AnswersAsync(address, WithKey(place, "/v1/compliance/activities", "compliance_key")));
            Assert.True(await AnswersAsync(address, new HttpRequestMessage(HttpMethod.Get, "/livez")));
        }

        async Task<bool> AnswersAsync(Uri address, HttpRequestMessage request)
        {
            request.RequestUri = new Uri(address, request.RequestUri!);
            var (response, body) = await place.SendAsync(request);
            if (!response.IsSuccessStatusCode)
                Assert.Equal((404, "not_found_error"), ((int)response.StatusCode, Answers.Error(body).Type));
            return response.IsSuccessStatusCode;
        }
    }

    private static HttpRequestMessage WithKey(ProxyPlace place, string path, string key) =>
        new(HttpMethod.Get, path) { Headers = { { "x-api-key", place.Keys[key] } } };
}
