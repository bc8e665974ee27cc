using System.Globalization;
using System.Net;
using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Demarc.Tests.Upstreams;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>What a place is made of.</summary>
internal sealed record FaultSetup
{
    public StoreKind Kind { get; init; } = StoreKind.Postgres;

    public int Replicas { get; init; } = 1;

    /// <summary>PostgreSQL of the test's own, to be killed; null for the one that tests share, where there is one.</summary>
    public PostgresServer? Server { get; init; }

    /// <summary>Where SQLite is, and what a gateway keeps beside; null for a folder of the place's own.</summary>
    public string? Data { get; init; }

    /// <summary>More of the configuration.</summary>
    public string More { get; init; } = "";

    /// <summary>What stands before the gateway's own command, such as another network.</summary>
    public string[] Prefix { get; init; } = [];

    /// <summary>The address that everything listens on.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The address of the provider, which then speaks TLS, as in the clear only this machine's own may be asked; null for that of everything.</summary>
    public string? UpstreamHost { get; init; }

    /// <summary>What runs <c>demarc</c>; what these tests were built with unless told.</summary>
    public string[] Program { get; init; } = ["dotnet", DemarcCommand.Program];

    /// <summary>Gateways ask the provider itself, not by way of the line: half of the connections.</summary>
    public bool IsDirect { get; init; }

    /// <summary>The address that gateways listen on.</summary>
    public string GatewayHost { get; init; } = "127.0.0.1";

    public (string Name, string Value)[] Environment { get; init; } = [];
}

/// <summary>Gateways, each a process of its own, on one store, with the simulator behind a line that can be cut; and what has to hold after any fault.</summary>
internal sealed class FaultPlace : IAsyncDisposable
{
    private readonly FaultSetup _setup;
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-faults-").FullName;
    private readonly string _config;
    private string _key = "";

    private FaultPlace(FaultSetup setup, StorePlace store, SimulatorHost simulator)
    {
        (_setup, Store, Simulator) = (setup, store, simulator);
        Upstream = Line.To(setup.UpstreamHost ?? setup.Host, simulator.Url.Port);
        StoreLine = setup.Kind == StoreKind.Postgres ? Line.To(setup.Host, new Uri(store.Url).Port) : null;
        _config = Path.Combine(_folder, "demarc.yaml");
    }

    public StorePlace Store { get; }

    public SimulatorHost Simulator { get; }

    /// <summary>From the gateways to the provider.</summary>
    public Line Upstream { get; }

    /// <summary>From the gateways to PostgreSQL.</summary>
    public Line? StoreLine { get; }

    public ServingProcess[] Replicas { get; private set; } = [];

    public string Key => _key;

    private string Data => _setup.Data ?? _folder;

    public static async Task<FaultPlace> StartAsync(FaultSetup setup, params ScriptRule[] rules)
    {
        using var authority = EgressTests.Authority();
        var simulator = await SimulatorHost.StartAsync(new SimulatorOptions
        {
            LogRequests = 1_000_000,
            Listen = $"{setup.UpstreamHost ?? setup.Host}:0",
            Certificate = setup.UpstreamHost is { } host ? EgressTests.Leaf(authority, IPAddress.Parse(host)) : null,
        });
        simulator.Script.Set(rules);
        var store = setup.Server is { } server ? StorePlace.At(await server.CreateAsync())
            : setup.Data is { } data ? StorePlace.At($"sqlite:{data}/demarc.db")
            : await StorePlace.CreateAsync(setup.Kind);
        var place = new FaultPlace(setup, store, simulator);
        try
        {
            await File.WriteAllTextAsync(Path.Combine(place._folder, "upstream.key"), "x");
            await File.WriteAllTextAsync(Path.Combine(place._folder, "ca.pem"), authority.ExportCertificatePem());
            await File.WriteAllTextAsync(place._config, place.Yaml());
            // One after the other: the first makes the keys, and all share the file that unlocks the store.
            for (var i = 0; i < setup.Replicas; i++)
                place.Replicas = [.. place.Replicas, await place.ServeAsync()];
            place._key = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(place.Data, "quickstart.json"))).RootElement.GetProperty("developer_key").GetString()!;
            return place;
        }
        catch
        {
            await place.DisposeAsync();
            throw;
        }
    }

    /// <summary>What is resident of a gateway, bytes.</summary>
    public long Memory(int replica = 0)
    {
        var status = File.ReadAllLines($"/proc/{Replicas[replica].Id}/status");
        return long.Parse(status.Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>
    /// How many files this process and those that it starts may open: raised to 32,768 where that may be done. Tests that want most of them
    /// are of the collection "open files", so that one runs at a time.
    /// </summary>
    public static async Task<int> OpenFilesAsync()
    {
        string process = $"{Environment.ProcessId}";
        var stop = TestContext.Current.CancellationToken;
        await Command.RunAsync("prlimit", ["--pid", process, "--nofile=32768:32768"], "/", DemarcCommand.Environment, stop);
        var limit = await Command.RunAsync("prlimit", ["--pid", process, "--nofile", "--output=SOFT", "--noheadings"], "/", DemarcCommand.Environment, stop);
        return int.TryParse(limit.Output.Trim(), CultureInfo.InvariantCulture, out var files) ? files : 0;
    }

    public Callers Call(int callers) => new(callers, _key, n => Replicas[n % Replicas.Length].Url);

    /// <summary>Kills a gateway and starts another in its place.</summary>
    public async Task KillAsync(int replica)
    {
        await Replicas[replica].KillAsync();
        Replicas[replica].Dispose();
        Replicas[replica] = await ServeAsync();
    }

    /// <summary>Once callers have stopped and everything is settled: nothing is lost or doubled, money adds up and the log holds. A row of the table.</summary>
    public async Task HoldsAsync(string fault, int runs, Callers callers)
    {
        await callers.StopAsync();
        await SettledAsync(Store, _setup.Kind, callers);
        var tally = await Tally.OfAsync(Store, Simulator, callers);
        FaultTable.Add(fault, runs, tally);
        Assert.True(tally is { Lost: 0, Doubled: 0, Answered: > 0 }, $"{fault}: {tally}\n{string.Join('\n', Replicas.Select(r => r.Output))}");
        Assert.Equal(await Store.SqlAsync<long>("SELECT CAST(coalesce(sum(nano_usd), 0) AS bigint) FROM ledger"), await Store.SqlAsync<long>("SELECT CAST(sum(settled) AS bigint) FROM budgets"));
        await DemarcCommand.DoneAsync(_folder, "verify", "--config", _config, "--data", Data);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in Replicas)
            replica.Dispose();
        await Simulator.DisposeAsync();
        await Upstream.DisposeAsync();
        if (StoreLine is not null)
            await StoreLine.DisposeAsync();
        await Store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<ServingProcess> ServeAsync() => ServingProcess.StartAsync([.. _setup.Prefix, .. _setup.Program], _config, Data, $"{_setup.GatewayHost}:0", _setup.Environment);

    /// <summary>Waits until everything that was begun has ended, and is in the ledger and in the tree.</summary>
    /// <param name="callers">Of whose answers the last may still be in a journal, without any row in the store.</param>
    public static async Task SettledAsync(StorePlace store, StoreKind kind, Callers? callers = null)
    {
        const string begun = "SELECT count(*) FROM records WHERE kind = 1";
        const string finished = "SELECT count(*) FROM records WHERE kind = 3";
        const string settled = "SELECT count(DISTINCT request_id) FROM ledger";
        const string open = "SELECT count(*) FROM open_requests";
        const string growing = "SELECT (SELECT count(*) FROM records) - (SELECT coalesce(sum(length(sequences) / 8), 0) FROM leaf_bundles)";
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            // Of those that are gone others take over after a minute without a sign of life; here they are made to look that old.
            if (kind == StoreKind.Postgres)
                await store.SqlAsync<object>("UPDATE replicas SET seen_at = seen_at - 120000 WHERE seen_at < @silent", new { silent = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 10_000 });
            var counts = new List<long>();
            foreach (var sql in new[] { begun, finished, settled, open, growing })
                counts.Add(await store.SqlAsync<long>(sql));
            var missing = callers is null ? 0 : await MissingAsync(store, callers);
            if (counts is [var all, var ended, var paid, 0, 0] && all == ended && ended == paid && missing == 0)
                return;
            Assert.True(
                TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(1),
                $"After a minute {counts[0]} requests have begun, {counts[1]} have finished, {counts[2]} are settled, {counts[3]} are open, {counts[4]} records are not in the log's tree, and {missing} answers are not on record.");
            // Nothing tells that the last of it has come.
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<int> MissingAsync(StorePlace store, Callers callers)
    {
        var finished = (await store.QueryAsync<byte[]>("SELECT request_id FROM records WHERE kind = 3")).Select(id => new Guid(id, bigEndian: true)).ToHashSet();
        return callers.Answered.Values.Count(id => !(Ids.TryParse(Ids.Request, id, out var request) && finished.Contains(request)));
    }

    private string Yaml()
    {
        var store = StoreLine is { } line ? Store.Url.Replace($":{new Uri(Store.Url).Port}/", $":{line.Port}/", StringComparison.Ordinal) : Store.Url;
        return $$"""
            store: {{store}}
            resources:
              - name: east
                platform: foundry
                endpoint: {{(_setup.UpstreamHost is { } host ? $"https://{host}" : $"http://{_setup.Host}")}}:{{(_setup.IsDirect ? Simulator.Url.Port : Upstream.Port)}}/anthropic
                certificate_authorities: ca.pem
                credential: { api_key: "${file:upstream.key}" }
                deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
            policies:
              - { capture: full, limits: [ { per: pool, period: monthly, amount_usd: "1000.00", mode: hard } ] }
            {{_setup.More}}
            """;
    }
}
