using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>The line to PostgreSQL is cut: refused by default, served from a journal where that is configured, and nothing lost or doubled.</summary>
[Trait("suite", "faults")]
public sealed class OutageTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_a_journal_nothing_is_answered_while_the_store_is_away_and_all_goes_on_after()
    {
        await using var place = await Place.StartAsync("");
        Assert.Equal(HttpStatusCode.OK, await place.AskAsync());

        place.Line.Cut();
        // Refused as long as it lasts: first because it cannot be recorded, then because nobody can be let in.
        for (var n = 0; n < 3; n++)
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await place.AskAsync());
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), () => Task.FromResult(place.Gateway.Store.Changes.IsAway));
        var started = TimeProvider.System.GetTimestamp();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await place.AskAsync());
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 0, 2);

        place.Line.Mend();
        await place.UntilAsync(HttpStatusCode.OK);
        await place.SettledAsync();
        await place.BalancesAsync();
    }

    [Fact]
    public async Task From_a_journal_requests_are_served_through_an_outage_and_each_is_on_record_once()
    {
        await using var place = await Place.StartAsync("journal: journal\noutage: serve");
        Assert.Equal(HttpStatusCode.OK, await place.AskAsync("old"));
        await place.Gateway.Store.SettledAsync();

        place.Line.Cut();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async n =>
        {
            var ok = 0;
            // Longer than the store may be unheard of, and than a write is tried again.
            for (var started = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(7);)
                ok += await place.AskAsync(n % 2 == 0 ? "old" : $"new {n}") == HttpStatusCode.OK ? 1 : 0;
            return ok;
        }));
        Assert.All(answers, ok => Assert.True(ok > 10, $"{ok} answered"));
        Assert.Equal(answers.Sum() + 1, place.Answered.Count);

        place.Line.Mend();
        await place.SettledAsync();
        await place.BalancesAsync();
        // The auditor is told of the span in which records waited.
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(10), async () => await place.Store.SqlAsync<long>(
            "SELECT count(*) FROM records WHERE kind = 4 AND convert_from(body, 'UTF8')::json->>'type' = 'demarc_journal_caught_up'") == 1);
        // Of sessions that were new there is no content, and the record says so; the old one's is whole.
        Assert.True(await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3 AND convert_from(body, 'UTF8')::json->>'uncaptured' = 'true'") > 0);
        Assert.True(await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3 AND content IS NOT NULL") > 1);
    }

    [Fact]
    public async Task What_the_journal_of_a_killed_replica_holds_is_taken_at_its_next_start()
    {
        await using var store = await StorePlace.CreateAsync(StoreKind.Postgres);
        await using var line = Line.To(new Uri(store.Url).Port);
        await using var simulator = await SimulatorHost.StartAsync();
        var folder = Directory.CreateTempSubdirectory("demarc-outage-").FullName;
        var config = await Place.WriteAsync(folder, store, line, simulator, "journal: journal\noutage: serve");
        var process = await ServingProcess.StartAsync(config, folder);
        var key = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "quickstart.json"), Stop)).RootElement.GetProperty("developer_key").GetString()!;
        using var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = process.Url };
        var answered = new ConcurrentBag<string>();
        Assert.Equal(HttpStatusCode.OK, await Place.AskAsync(client, key, "old", answered));

        line.Cut();
        for (var n = 0; n < 40; n++)
            Assert.Equal(HttpStatusCode.OK, await Place.AskAsync(client, key, "old", answered));
        await process.KillAsync();
        line.Mend();
        Assert.True(await store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3") <= 1);

        // Another replica meanwhile takes the dead one's request for lost, where it knows of it.
        using var next = await ServingProcess.StartAsync(config, folder);
        try
        {
            Assert.Equal(41, answered.Count);
            Assert.Equal(41, await store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3"));
            Assert.Equal(41, await store.SqlAsync<long>("SELECT count(DISTINCT request_id) FROM records WHERE kind = 3"));
        }
        finally
        {
            await next.KillAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Place(StorePlace store, Line line, SimulatorHost simulator, Gateway gateway, string folder, string key) : IAsyncDisposable
    {
        private readonly HttpClient _client = new(new SocketsHttpHandler()) { BaseAddress = gateway.Url };

        public StorePlace Store { get; } = store;

        public Line Line { get; } = line;

        public Gateway Gateway { get; } = gateway;

        public ConcurrentBag<string> Answered { get; } = [];

        public static async Task<Place> StartAsync(string more)
        {
            var store = await StorePlace.CreateAsync(StoreKind.Postgres);
            var line = Line.To(new Uri(store.Url).Port);
            var simulator = await SimulatorHost.StartAsync(new SimulatorOptions { LogRequests = 1_000_000 });
            var folder = Directory.CreateTempSubdirectory("demarc-outage-").FullName;
            var config = await WriteAsync(folder, store, line, simulator, more);
            var gateway = await Gateway.StartAsync(
                new ServeOptions { ConfigPath = config, DataDirectory = folder, Listen = "127.0.0.1:0", Quickstart = true }, logging: logging => logging.ClearProviders());
            var keys = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "quickstart.json"), Stop)).RootElement;
            return new Place(store, line, simulator, gateway, folder, keys.GetProperty("developer_key").GetString()!);
        }

        public static Task<string> WriteAsync(string folder, StorePlace store, Line line, SimulatorHost simulator, string more) =>
            ServingConfig.WriteAsync(folder, simulator, $"store: {store.Url.Replace($":{new Uri(store.Url).Port}/", $":{line.Port}/", StringComparison.Ordinal)}\n{more}");

        public static async Task<HttpStatusCode> AskAsync(HttpClient client, string key, string session, ConcurrentBag<string> answered)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
            {
                Content = new StringContent(ProxyPlace.Body("claude-sonnet-4-6"), null, "application/json"),
            };
            request.Headers.Add("x-api-key", key);
            request.Headers.Add("anthropic-version", "2023-06-01");
            request.Headers.Add("x-claude-code-session-id", session);
            using var response = await client.SendAsync(request, Stop);
            await response.Content.ReadAsByteArrayAsync(Stop);
            if (response.StatusCode == HttpStatusCode.OK)
                answered.Add(response.RequestId());
            return response.StatusCode;
        }

        public Task<HttpStatusCode> AskAsync(string session = "s") => AskAsync(_client, key, session, Answered);

        public async Task UntilAsync(HttpStatusCode status)
        {
            var started = TimeProvider.System.GetTimestamp();
            while (await AskAsync() != status)
                Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(20), "the store is back, and the gateway is not");
        }

        /// <summary>Waits until the log holds the end of every answered request.</summary>
        public async Task SettledAsync()
        {
            var started = TimeProvider.System.GetTimestamp();
            while (await Store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3") < Answered.Count)
                Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(20), "records are missing");
        }

        public async Task BalancesAsync()
        {
            var ids = Answered.Select(id => Governance.Identity.Ids.TryParse(Governance.Identity.Ids.Request, id, out var request) ? request.ToByteArray(bigEndian: true) : []).ToArray();
            const string whole = "SELECT count(*) FROM (SELECT 1 FROM records WHERE request_id = ANY(@ids) GROUP BY request_id HAVING count(*) = 2) AS twice";
            Assert.Equal(ids.Length, await Store.SqlAsync<long>(whole, new { ids }));
            Assert.True(Answered.Count <= simulator.Log.Read(0).Length);
        }

        public async ValueTask DisposeAsync()
        {
            _client.Dispose();
            await Gateway.DisposeAsync();
            await simulator.DisposeAsync();
            await Line.DisposeAsync();
            await Store.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
