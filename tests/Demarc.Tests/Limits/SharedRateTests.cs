using System.Net;
using Demarc.Serving;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>Rates over three gateways on one PostgreSQL.</summary>
public sealed class SharedRateTests
{
    private const int Rate = 30;

    // The minute slides on while the test runs.
    private const int Slid = 2;

    [Fact]
    public async Task A_rate_holds_over_all_replicas()
    {
        await using var place = await RatePlace.StartAsync($"requests_per_minute: {Rate}");

        var answers = await Task.WhenAll(Enumerable.Range(0, Rate * 3).Select(place.AskAsync));

        Assert.InRange(answers.Count(s => s == HttpStatusCode.OK), Rate - Slid, Rate + Slid);
        Assert.Equal(Rate * 3, answers.Count(s => s is HttpStatusCode.OK or HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task Who_stays_with_one_replica_has_all_of_the_rate()
    {
        await using var place = await RatePlace.StartAsync($"requests_per_minute: {Rate}");

        for (var i = 0; i < Rate; i++)
            Assert.Equal(HttpStatusCode.OK, await place.AskAsync(0));

        var more = await Task.WhenAll(Enumerable.Range(0, 9).Select(place.AskAsync));
        Assert.InRange(more.Count(s => s == HttpStatusCode.OK), 0, Slid);
    }

    [Fact]
    public async Task Requests_at_the_same_time_count_wherever_they_are_and_a_place_that_is_free_is_found_elsewhere()
    {
        await using var place = await RatePlace.StartAsync("concurrent: 2", new ScriptRule { LatencyMs = 3000, Times = 2 });
        var slow = new[] { place.AskAsync(0), place.AskAsync(1) };
        while (place.Simulator.Log.Read(0).Length < 2)
            await Task.Yield();

        Assert.Equal(HttpStatusCode.TooManyRequests, await place.AskAsync(2));
        Assert.All(await Task.WhenAll(slow), s => Assert.Equal(HttpStatusCode.OK, s));

        // One after the other, each at another replica than the one before.
        for (var i = 0; i < 9; i++)
            Assert.Equal(HttpStatusCode.OK, await place.AskAsync(i));
    }

    [Fact]
    public async Task A_gateway_that_is_alone_has_all_of_a_rate_and_one_that_comes_gets_what_is_left()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Postgres, Policy($"requests_per_minute: {Rate}"));
        var first = place.Gateway;
        for (var i = 0; i < Rate / 2; i++)
            Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body()))).Response.StatusCode);

        await using var second = await place.BesideAsync();
        // The first one looks once a second whether it is still alone, and tells nobody but the store.
        while (await place.Store.SqlAsync<long>("SELECT CAST(coalesce(sum(requests), 0) AS bigint) FROM rate_parts") < Rate / 2)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        var answers = await Task.WhenAll(Enumerable.Range(0, Rate).Select(_ => place.SendAsync(place.Ask(ProxyPlace.Body()))));

        // What the first one keeps in hand for itself is not to be had here.
        Assert.InRange(answers.Count(a => a.Response.StatusCode == HttpStatusCode.OK), Rate / 3, (Rate / 2) + Slid);
        place.Use(second);
        await first.DisposeAsync();
    }

    [Fact, Trait("suite", "faults")]
    public async Task A_deployments_rate_holds_over_three_processes()
    {
        await using var place = await ReplicaPlace.StartAsync("60.00", new ScriptRule(), deployment: $", requests_per_minute: {Rate}");
        using var client = new HttpClient(new SocketsHttpHandler());

        var answers = await Task.WhenAll(Enumerable.Range(0, Rate * 3).Select(i => place.AskAsync(client, i % 3, stream: i % 2 == 0, 64, TestContext.Current.CancellationToken)));

        var served = answers.Count(a => a!.Value.Status == HttpStatusCode.OK);
        Assert.InRange(served, Rate - Slid, Rate + Slid);
        Assert.Equal(served, place.Simulator.Log.Read(0).Length);
    }

    private static string Policy(string rate) => $"  - rates: [ {{ per: person, {rate} }} ]";

    private sealed class RatePlace(ProxyPlace place, Gateway[] gateways, HttpClient[] clients) : IAsyncDisposable
    {
        public Simulator.SimulatorHost Simulator => place.Simulator;

        public static async Task<RatePlace> StartAsync(string rate, params ScriptRule[] rules)
        {
            var place = await ProxyPlace.StartAsync(StoreKind.Postgres, Policy(rate), rules);
            var first = place.Gateway;
            Gateway[] beside = [await place.BesideAsync(), await place.BesideAsync()];
            place.Use(first);
            return new RatePlace(place, beside, [.. beside.Prepend(first).Select(g => new HttpClient(new SocketsHttpHandler()) { BaseAddress = g.Addresses[0] })]);
        }

        public async Task<HttpStatusCode> AskAsync(int replica)
        {
            using var request = place.Ask(ProxyPlace.Body());
            using var response = await clients[replica % clients.Length].SendAsync(request, TestContext.Current.CancellationToken);
            await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            return response.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var client in clients)
                client.Dispose();
            foreach (var gateway in gateways)
                await gateway.DisposeAsync();
            await place.DisposeAsync();
        }
    }
}
