using System.Net;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Tests.Proxy;

public sealed class ReloadTests
{
    [Fact]
    public async Task A_changed_configuration_holds_without_a_restart_and_a_bad_one_never()
    {
        await using var place = await ProxyPlace.StartAsync();
        var config = Path.Combine(place.Folder, "demarc.yaml");
        var good = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);
        Assert.Equal("claude-sonnet-4-6", await DeploymentAsync(place));

        await File.WriteAllTextAsync(config, good.Replace("sonnet: [east/claude-sonnet-4-6]", "sonnet: [east/my-opus]", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await UntilAsync(async () => await DeploymentAsync(place) == "my-opus");
        var loaded = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_configuration_loaded");
        Assert.NotEqual(loaded.Fields["previous_configuration"], loaded.Fields["configuration"]);

        await File.WriteAllTextAsync(config, good.Replace("capture: full", "capture: everything", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        // Two looks, a second apart, would have taken it; the last good one answers on.
        var until = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(until) < TimeSpan.FromSeconds(4))
            Assert.Equal("my-opus", await DeploymentAsync(place));
    }

    [Fact]
    public async Task A_new_upstream_key_is_taken_from_its_file()
    {
        await using var place = await ProxyPlace.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(place.Folder, "upstream.key"), "rotated-secret\n", TestContext.Current.CancellationToken);
        await UntilAsync(async () =>
        {
            await DeploymentAsync(place);
            return place.Simulator.Log.Read(0)[^1].Header("x-api-key") == "rotated-secret";
        });
    }

    [Theory]
    [InlineData("[127.0.0.0/8]", "203.0.113.9")]
    [InlineData("[10.0.0.0/8]", "127.0.0.1")]
    public async Task A_forwarded_address_counts_only_from_a_named_proxy(string trusted, string expected)
    {
        await using var place = await ProxyPlace.StartAsync(policies: $"  - {{ capture: none }}\ntrusted_proxies: {trusted}");
        var request = place.Ask(ProxyPlace.Body());
        request.Headers.Add("x-forwarded-for", "203.0.113.9");
        var (response, _) = await place.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var begun = await place.RecordAsync<BegunRecord>(RecordKind.Begun, _ => true);
        Assert.Equal(expected, begun.Actor.IpAddress);
    }

    [Fact]
    public async Task Without_capture_no_content_is_kept_and_the_request_is_still_on_record()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { capture: full }\n  - { match: { users: [developer@demarc.example] }, capture: none }");
        var (response, _) = await place.SendAsync(place.Ask(ProxyPlace.Body(text: "canary-8151")));
        Assert.Equal("answered", (await place.FinishedAsync(response.RequestId())).Result);
        Assert.Equal("none", (await place.RecordAsync<BegunRecord>(RecordKind.Begun, _ => true)).Capture);
        Assert.Equal(0, await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL"));
    }

    [Fact]
    public async Task A_model_that_policy_does_not_allow_is_refused_before_any_byte_leaves()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { models: [claude-haiku-4-5-20251001] }");
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        Assert.Equal((HttpStatusCode.BadRequest, "policy_blocked"), (response.StatusCode, Answers.Error(body).Type));
        Assert.Contains("claude-haiku-4-5-20251001", Answers.Error(body).Message, StringComparison.Ordinal);
        Assert.Empty(place.Simulator.Log.Read(0));
        var refused = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_inference_refused");
        Assert.Equal(("model_not_allowed", "policies[0].models"), (refused.Fields["reason"], refused.Fields["rule"]));
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Add("x-api-key", place.Keys["developer_key"]);
        var (_, models) = await place.SendAsync(request);
        Assert.Equal("claude-haiku-4-5-20251001", Assert.Single(JsonDocument.Parse(models).RootElement.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
    }

    private static async Task<string> DeploymentAsync(ProxyPlace place)
    {
        var (response, _) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        return response.Headers.GetValues("demarc-deployment").Single();
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await holds())
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "The change did not hold within 10 s.");
    }
}
