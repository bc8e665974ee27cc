using System.Globalization;
using System.Text.Json;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>What <c>deploy/replicas</c> starts: three gateways behind haproxy, on one PostgreSQL and one blob store; the simulator is their provider.</summary>
internal sealed class ReplicaSet : IAsyncDisposable
{
    private JsonElement _keys;

    private ReplicaSet(SimulatorHost simulator, string program) => (Simulator, Program) = (simulator, program);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public string Folder { get; } = Directory.CreateTempSubdirectory("demarc-set-").FullName;

    public string Config => Path.Combine(Folder, "demarc.yaml");

    public string Data => Path.Combine(Folder, "data");

    public SimulatorHost Simulator { get; }

    /// <summary>What the next gateway is started with.</summary>
    public string Program { get; set; }

    public Uri Balancer => At("balancer");

    public StorePlace Store => StorePlace.At($"postgres://postgres@127.0.0.1:{At("postgres").Port}/demarc");

    public string DeveloperKey => _keys.GetProperty("developer_key").GetString()!;

    /// <param name="program">What runs <c>demarc</c>; null for what these tests were built with.</param>
    public static async Task<ReplicaSet> StartAsync(string? program = null)
    {
        Component.Require(File.Exists("/usr/sbin/haproxy"), "haproxy is not installed (apt-get install haproxy)");
        Component.Require(Directory.Exists("/usr/lib/postgresql"), "PostgreSQL is not installed (apt-get install postgresql)");
        Component.Npm("s3rver/bin/s3rver.js");
        var simulator = await SimulatorHost.StartAsync(new SimulatorOptions { LogRequests = 1_000_000 });
        simulator.Script.Set(new ScriptRule { Header = "x-long", Deltas = 60, BetweenEventsMs = 100 });
        var set = new ReplicaSet(simulator, program ?? $"dotnet {DemarcCommand.Program}");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(set.Folder, "upstream.key"), "x", Stop);
            var given = Path.Combine(set.Folder, "given.yaml");
            await File.WriteAllTextAsync(given, $$"""
                resources:
                  - name: east
                    platform: foundry
                    endpoint: {{simulator.Url.AbsoluteUri}}anthropic
                    credential: { api_key: "${file:upstream.key}" }
                    deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
                policies:
                  - { capture: full, limits: [ { per: pool, period: monthly, amount_usd: "1000.00", mode: hard } ] }
                """, Stop);
            await set.RunAsync("up", given);
            set._keys = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(set.Data, "quickstart.json"), Stop)).RootElement;
            return set;
        }
        catch
        {
            // Half of it may run.
            await set.DisposeAsync();
            throw;
        }
    }

    public Uri At(string name) => new($"http://127.0.0.1:{File.ReadAllText(Path.Combine(Folder, name + ".port")).Trim()}");

    public int ProcessOf(string name) => int.Parse(File.ReadAllText(Path.Combine(Folder, name + ".pid")), CultureInfo.InvariantCulture);

    public async Task RunAsync(params string[] arguments)
    {
        var environment = new Dictionary<string, string>(DemarcCommand.Environment) { ["DEMARC"] = Program };
        // A test that is broken off leaves nothing running.
        var stop = arguments[0] == "down" ? CancellationToken.None : Stop;
        var ran = await Command.RunAsync(Repository.Path("deploy", "replicas"), [arguments[0], Folder, .. arguments[1..]], "/", environment, stop);
        Assert.True(ran.ExitCode == 0, ran.ToString());
    }

    public async Task<string> ModelsAsync(Uri gateway)
    {
        using var client = new HttpClient(new SocketsHttpHandler());
        client.DefaultRequestHeaders.Add("x-api-key", DeveloperKey);
        return await client.GetStringAsync(new Uri(gateway, "/v1/models?limit=100"), Stop);
    }

    /// <summary>Streams of six seconds and more, behind the load balancer.</summary>
    public Task<string>[] LongStreams(int count, string model) => [.. Enumerable.Range(0, count).Select(_ => StreamAsync(model))];

    /// <summary>Once callers have stopped and all is settled: what came of it, and the log holds. A row of the table.</summary>
    public async Task<Tally> HoldsAsync(string fault, int runs, Callers callers)
    {
        await callers.StopAsync();
        await FaultPlace.SettledAsync(Store, StoreKind.Postgres, callers);
        var tally = await Tally.OfAsync(Store, Simulator, callers);
        FaultTable.Add(fault, runs, tally);
        Assert.True(tally is { Lost: 0, Doubled: 0, Answered: > 0 }, $"{tally}");
        await DemarcCommand.DoneAsync(Folder, "verify", "--config", Config, "--data", Data);
        return tally;
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("down");
        await Simulator.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task<string> StreamAsync(string model)
    {
        using var client = new HttpClient(new SocketsHttpHandler());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Balancer, "/v1/messages")) { Content = new StringContent(Proxy.ProxyPlace.Body(model, stream: true), null, "application/json") };
        request.Headers.Add("x-api-key", DeveloperKey);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-long", "1");
        using var response = await client.SendAsync(request, Stop);
        return await response.Content.ReadAsStringAsync(Stop);
    }
}
