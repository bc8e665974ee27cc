using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>Three gateways, each a process of its own, on one PostgreSQL, with one budget over all that is asked of them.</summary>
internal sealed class ReplicaPlace : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-replicas-").FullName;
    private readonly string _config;
    private readonly StorePlace _store;
    private readonly SimulatorHost _simulator;
    private readonly CancellationTokenSource _done = new();
    private Task _watch = Task.CompletedTask;
    private string _key = "";

    private ReplicaPlace(StorePlace store, SimulatorHost simulator)
    {
        (_store, _simulator) = (store, simulator);
        _config = Path.Combine(_folder, "demarc.yaml");
    }

    public ServingProcess[] Replicas { get; private set; } = [];

    /// <summary>The developer's.</summary>
    public string Key => _key;

    public StorePlace Store => _store;

    public SimulatorHost Simulator => _simulator;

    /// <summary>The most that settled and held came to, as the store showed it at any time.</summary>
    public long Highest { get; private set; }

    /// <param name="deployment">More keys of the deployment.</param>
    /// <param name="more">More of the configuration.</param>
    public static async Task<ReplicaPlace> StartAsync(string amountUsd, ScriptRule rule, string deployment = "", string more = "")
    {
        var place = new ReplicaPlace(await StorePlace.CreateAsync(StoreKind.Postgres), await SimulatorHost.StartAsync());
        place._simulator.Script.Set(rule);
        await File.WriteAllTextAsync(Path.Combine(place._folder, "upstream.key"), "x");
        await File.WriteAllTextAsync(place._config, $$"""
            store: {{place._store.Url}}
            resources:
              - name: east
                platform: foundry
                endpoint: {{place._simulator.Url.AbsoluteUri}}anthropic
                credential: { api_key: "${file:upstream.key}" }
                deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic{{deployment}} } ]
            policies:
              - limits: [ { per: pool, period: monthly, amount_usd: "{{amountUsd}}", mode: hard } ]
            {{more}}
            """);
        // One after the other: the first makes the keys, and all share the file that unlocks the store.
        for (var i = 0; i < 3; i++)
            place.Replicas = [.. place.Replicas, await place.ServeAsync()];
        place._key = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(place._folder, "quickstart.json"))).RootElement.GetProperty("developer_key").GetString()!;
        place._watch = place.WatchAsync();
        return place;
    }

    public Task<ServingProcess> ServeAsync() => ServingProcess.StartAsync(_config, _folder);

    public async Task RestartAsync(int index)
    {
        var old = Replicas[index];
        Replicas[index] = await ServeAsync();
        old.Dispose();
    }

    /// <summary>Asks one replica; null when it was gone before the end of the answer.</summary>
    public async Task<(HttpStatusCode Status, string Body, string Id)?> AskAsync(HttpClient client, int replica, bool stream, int maxTokens, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Replicas[replica].Url, "/v1/messages"))
        {
            Content = new StringContent(
                $$"""{"model":"claude-sonnet-4-6","max_tokens":{{maxTokens}},"stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":"hello"}]}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("x-api-key", _key);
        request.Headers.Add("anthropic-version", "2023-06-01");
        try
        {
            using var response = await client.SendAsync(request, stop);
            var body = await response.Content.ReadAsStringAsync(stop);
            return (response.StatusCode, body, response.Headers.TryGetValues("demarc-request-id", out var id) ? id.Single() : "");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return null;
        }
    }

    /// <summary>Waits until everything that begun has ended, and no lease of a replica that is gone is left.</summary>
    public async Task SettledAsync(TimeSpan within)
    {
        var started = TimeProvider.System.GetTimestamp();
        const string open = "SELECT (SELECT count(*) FROM records WHERE kind = 1) - (SELECT count(DISTINCT request_id) FROM ledger)";
        while (await _store.SqlAsync<long>(open) != 0 || await _store.SqlAsync<long>("SELECT count(*) FROM open_requests") != 0 || await _store.SqlAsync<long>("SELECT count(*) FROM budget_leases WHERE ended <> 0") != 0)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < within, "requests or leases stay open");
            // Other processes settle them; the store is all there is to look at.
            await Task.Delay(100);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _watch;
        foreach (var replica in Replicas)
            replica.Dispose();
        await _simulator.DisposeAsync();
        await _store.DisposeAsync();
        _done.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // What is leased bounds what is held. One statement, so that a settlement that moves an amount is seen once.
    private async Task WatchAsync()
    {
        const string sum = "SELECT CAST((SELECT coalesce(sum(settled), 0) FROM budgets) + (SELECT coalesce(sum(nano_usd), 0) FROM budget_leases WHERE nano_usd > 0) AS bigint)";
        while (!_done.IsCancellationRequested)
        {
            Highest = Math.Max(Highest, await _store.SqlAsync<long>(sum));
            // The store tells nobody when these rows change.
            await Task.Delay(20, _done.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
