using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary><c>deploy/replicas</c>: three gateways behind haproxy, on one PostgreSQL and one blob store.</summary>
[Trait("suite", "faults")]
public sealed partial class ReplicaSetTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-set-").FullName;
    private SimulatorHost _simulator = null!;
    private JsonElement _keys;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Config => Path.Combine(_folder, "demarc.yaml");

    private string Data => Path.Combine(_folder, "data");

    private Uri Balancer => At("balancer");

    private StorePlace Store => StorePlace.At($"postgres://postgres@127.0.0.1:{At("postgres").Port}/demarc");

    public async ValueTask InitializeAsync()
    {
        Component.Require(File.Exists("/usr/sbin/haproxy"), "haproxy is not installed (apt-get install haproxy)");
        Component.Require(Directory.Exists("/usr/lib/postgresql"), "PostgreSQL is not installed (apt-get install postgresql)");
        Component.Npm("s3rver/bin/s3rver.js");
        _simulator = await SimulatorHost.StartAsync(new SimulatorOptions { LogRequests = 1_000_000 });
        _simulator.Script.Set(new ScriptRule { Header = "x-long", Deltas = 60, BetweenEventsMs = 100 });
        await File.WriteAllTextAsync(Path.Combine(_folder, "upstream.key"), "x", Stop);
        var given = Path.Combine(_folder, "given.yaml");
        await File.WriteAllTextAsync(given, $$"""
            resources:
              - name: east
                platform: foundry
                endpoint: {{_simulator.Url.AbsoluteUri}}anthropic
                credential: { api_key: "${file:upstream.key}" }
                deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
            policies:
              - { capture: full, limits: [ { per: pool, period: monthly, amount_usd: "1000.00", mode: hard } ] }
            """, Stop);
        await RunAsync("up", given);
        _keys = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Data, "quickstart.json"), Stop)).RootElement;
    }

    [Fact]
    public async Task Three_replicas_are_as_one()
    {
        // 1 what one is told all know
        await DemarcCommand.DoneAsync(_folder, "alias", "move", "quick", "east/claude-sonnet-4-6", "--yes", "--config", Config, "--data", Data);
        var moved = TimeProvider.System.GetTimestamp();
        foreach (var n in Enumerable.Range(1, 3))
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await ModelsAsync(At($"gateway{n}"))).Contains("\"quick\"", StringComparison.Ordinal));
        var followed = TimeProvider.System.GetElapsedTime(moved);
        output.WriteLine($"an alias that moved holds on all three after {followed.TotalMilliseconds:0} ms");
        Assert.InRange(followed.TotalMilliseconds, 0, 1000);

        // 2 the one that follows the log for all is killed
        await using var callers = new Callers(9, Key("developer_key"), _ => Balancer);
        await callers.MoreAsync(100);
        var leader = await LeaderAsync();
        var killed = TimeProvider.System.GetTimestamp();
        Process.GetProcessById(leader).Kill();
        int? next = null;
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => (next = await LeaderAsync()) is not 0 && next != leader);
        output.WriteLine($"the leader (process {leader}) was killed, process {next} leads after {TimeProvider.System.GetElapsedTime(killed).TotalMilliseconds:0} ms");
        await callers.MoreAsync(100);
        await RunAsync("up");

        // 3 each is replaced under load, and streams that last longer than the load balancer is told of the end come to theirs
        var (refused, broken) = (callers.Refused, callers.Broken);
        var streams = Enumerable.Range(0, 12).Select(_ => StreamAsync()).ToArray();
        await RunAsync("roll");
        Assert.All(await Task.WhenAll(streams), stream => Assert.Contains("message_stop", stream, StringComparison.Ordinal));
        await callers.MoreAsync(100);
        Assert.Equal((refused, broken), (callers.Refused, callers.Broken));

        // 4 and all of it is on record once
        await callers.StopAsync();
        await FaultPlace.SettledAsync(Store, StoreKind.Postgres);
        var tally = await Tally.OfAsync(Store, _simulator, callers);
        FaultTable.Add("kill -9 of the leader and rolling restart behind haproxy", 4, tally);
        Assert.True(tally is { Lost: 0, Doubled: 0 }, $"{tally}");
        await DemarcCommand.DoneAsync(_folder, "verify", "--config", Config, "--data", Data);

        // 5 nothing is left running
        var processes = Directory.GetFiles(_folder, "*.pid").Select(f => int.Parse(File.ReadAllText(f), CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(6, processes.Length);
        await RunAsync("down");
        Assert.All(processes, p => Assert.False(Runs(p)));
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("down");
        if (_simulator is not null)
            await _simulator.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    // One that has ended stays in the table until its parent asks after it.
    private static bool Runs(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            // Not in the table at all.
            return false;
        }
    }

    private string Key(string name) => _keys.GetProperty(name).GetString()!;

    private Uri At(string name) => new($"http://127.0.0.1:{File.ReadAllText(Path.Combine(_folder, name + ".port")).Trim()}");

    private async Task RunAsync(params string[] arguments)
    {
        var environment = new Dictionary<string, string>(DemarcCommand.Environment) { ["DEMARC"] = $"dotnet {DemarcCommand.Program}" };
        var ran = await Command.RunAsync(Repository.Path("deploy", "replicas"), [arguments[0], _folder, .. arguments[1..]], "/", environment, Stop);
        Assert.True(ran.ExitCode == 0, ran.ToString());
    }

    private async Task<string> ModelsAsync(Uri gateway)
    {
        using var client = new HttpClient(new SocketsHttpHandler());
        client.DefaultRequestHeaders.Add("x-api-key", Key("developer_key"));
        return await client.GetStringAsync(new Uri(gateway, "/v1/models?limit=100"), Stop);
    }

    private async Task<string> StreamAsync()
    {
        using var client = new HttpClient(new SocketsHttpHandler());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Balancer, "/v1/messages")) { Content = new StringContent(Proxy.ProxyPlace.Body("quick", stream: true), null, "application/json") };
        request.Headers.Add("x-api-key", Key("developer_key"));
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-long", "1");
        using var response = await client.SendAsync(request, Stop);
        return await response.Content.ReadAsStringAsync(Stop);
    }

    // The process at the other end of the connection that holds the lock of who follows the log; 0 for none.
    private async Task<int> LeaderAsync()
    {
        var ports = await Store.QueryAsync<int>($"SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND classid::bigint = {0x64656d61} AND objid::bigint = {0x72630002}");
        foreach (var port in ports)
        {
            var found = await Command.RunAsync("ss", ["-tnpH", $"sport = :{port}"], "/", DemarcCommand.Environment, Stop);
            if (ProcessOf().Match(found.Output) is { Success: true } match)
                return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        }
        return 0;
    }

    [GeneratedRegex("pid=([0-9]+)")]
    private static partial Regex ProcessOf();
}
