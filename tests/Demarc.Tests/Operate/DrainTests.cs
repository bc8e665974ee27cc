using System.Net;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Operate;

public sealed class DrainTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_process_that_is_told_to_end_says_so_and_serves_until_load_balancers_know()
    {
        var time = new SteppedTimers();
        var fixture = await GatewayFixture.StartAsync(
            """
            shutdown: { notice: 50s }
            resources:
              - name: main
                platform: anthropic
                endpoint: SIMULATOR
                credential: { api_key: "x" }
                deployments: [ { name: claude-haiku-4-5-20251001, model: claude-haiku-4-5-20251001 } ]
            """, time);
        using var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = fixture.Url };
        client.DefaultRequestHeaders.Add("x-api-key", fixture.DeveloperKey);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/readyz", Stop)).StatusCode);

        var ended = fixture.DisposeAsync().AsTask();
        try
        {
            await time.UntilAsync(TimeSpan.FromSeconds(50), pending: true, Stop);
            using var said = await client.GetAsync("/readyz", Stop);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, said.StatusCode);
            Assert.Contains("ending", await said.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models", Stop)).StatusCode);
        }
        finally
        {
            time.Step(TimeSpan.FromSeconds(50));
            await ended;
        }
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("/readyz", Stop));
    }
}
