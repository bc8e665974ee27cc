using System.Net;
using System.Text.Json;
using Demarc.Serving;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Operate;

/// <summary><c>/readyz</c> says what is wrong.</summary>
public sealed class ReadyTests
{
    [Fact]
    public async Task It_says_that_the_store_is_away_and_that_it_is_back()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Postgres);
        Assert.Equal((HttpStatusCode.OK, ""), await ReadyAsync(place));
        place.Gateway.Store.Changes.RefuseAfter = TimeSpan.FromSeconds(1);

        await PostgresServer.AllowConnectionsAsync(place.Store.Url, allow: false);
        try
        {
            (HttpStatusCode Status, string Said) away = default;
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => (away = await ReadyAsync(place)).Status == HttpStatusCode.ServiceUnavailable);
            Assert.Matches("the store has not been heard for [0-9]+ s: nobody is let in", away.Said);
        }
        finally
        {
            await PostgresServer.AllowConnectionsAsync(place.Store.Url, allow: true);
        }
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => (await ReadyAsync(place)).Status == HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_clock_that_is_off_the_databases_and_the_upstreams_is_said_in_readyz_metrics_and_doctor()
    {
        var store = await PostgresServer.NewDatabaseAsync();
        var time = new SteppedTime();
        time.Step(TimeSpan.FromHours(2));
        await using var gateway = await GatewayFixture.StartAsync($$"""
            store: {{store}}
            metrics: { public: true }
            resources: [ { name: up, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: x }, deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6 } ] } ]
            """, time);
        using var ask = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/messages"))
        {
            Content = new StringContent("""{"model":"claude-sonnet-4-6","max_tokens":9,"messages":[{"role":"user","content":"what time is it"}]}""", System.Text.Encoding.UTF8, "application/json"),
            Headers = { { "x-api-key", gateway.DeveloperKey }, { "anthropic-version", "2023-06-01" } },
        };
        using var answer = await gateway.Http.SendAsync(ask, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        var said = "";
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => (said = (await ReadyAsync(gateway)).Warnings).Contains("database server", StringComparison.Ordinal));
        Assert.Matches("clock is 7[12][0-9]{2}(\\.[0-9])? s ahead of the database server's", said);
        Assert.Matches("clock is 7[12][0-9]{2}(\\.[0-9])? s ahead of the upstreams'", said);
        var metrics = await gateway.Http.GetStringAsync(new Uri(gateway.Url, "/metrics"), TestContext.Current.CancellationToken);
        Assert.Matches("demarc_clock_skew_seconds\\{against=\"store\"\\} 7[12][0-9]{2}", metrics);
        Assert.Matches("demarc_clock_skew_seconds\\{against=\"upstreams\"\\} 7[12][0-9]{2}", metrics);

        var findings = new List<Finding>();
        var files = InstallationFiles.Load(Path.Combine(gateway.DataDirectory, "demarc.yaml"), gateway.DataDirectory);
        using var doctor = new Doctor(files, time, findings.Add);
        await using var installation = await Installation.OpenAsync(files, time, LoggerFactory.Create(_ => { }), StorePlace.Actor);
        await doctor.ExamineAsync(() => Task.FromResult<Installation?>(installation));
        Assert.All(findings.Where(f => f.Check == "clock"), f => Assert.Equal(FindingStatus.Failed, f.Status));
        Assert.Equal(2, findings.Count(f => f.Check == "clock"));
    }

    private static async Task<(HttpStatusCode Status, string Said)> ReadyAsync(ProxyPlace place)
    {
        using var response = await place.Client.GetAsync("/readyz", TestContext.Current.CancellationToken);
        return (response.StatusCode, Joined(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), "problems"));
    }

    private static async Task<(HttpStatusCode Status, string Warnings)> ReadyAsync(GatewayFixture gateway)
    {
        using var response = await gateway.Http.GetAsync(new Uri(gateway.Url, "/readyz"), TestContext.Current.CancellationToken);
        return (response.StatusCode, Joined(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), "warnings"));
    }

    private static string Joined(string json, string list) =>
        string.Join('\n', JsonDocument.Parse(json).RootElement.GetProperty(list).EnumerateArray().Select(p => p.GetString()));
}
