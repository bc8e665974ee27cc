using Demarc.Bench.Load;
using Demarc.Bench.Servers;

namespace Demarc.Bench;

/// <summary>Every server that a run measures, each in its own process, in a temporary folder that goes with it.</summary>
internal sealed class Workbench : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _started = [];
    private string? _memory;

    private Workbench(string programs, string folder) => (Programs, Folder) = (programs, folder);

    public string Programs { get; }

    public string Folder { get; }

    public SimulatorServer Simulator { get; private set; } = null!;

    public PostgresCluster Postgres { get; private set; } = null!;

    public DemarcServer DemarcSqlite { get; private set; } = null!;

    public DemarcServer DemarcPostgres { get; private set; } = null!;

    public Wrk Wrk { get; private set; } = null!;

    /// <summary>Who signs developers in; null where all come with keys.</summary>
    public IdentityProvider? Identity { get; private set; }

    /// <summary>In the order in which they are measured: the upstream alone, then what stands before it.</summary>
    public Target[] Targets { get; private set; } = [];

    public Target this[string name] => Targets.First(t => t.Name == name);

    public static async Task<Workbench> StartAsync(BenchOptions options)
    {
        var bench = new Workbench(options.Programs, Directory.CreateTempSubdirectory("demarc-bench-").FullName);
        try
        {
            await bench.StartServersAsync(options);
            bench.Targets = [.. bench.Targets.Where(t => options.Targets is null || t.Name == Target.PassThrough || options.Targets.Contains(t.Name))];
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = _started.Count - 1; i >= 0; i--)
            await _started[i].DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        if (_memory is not null)
            Directory.Delete(_memory, recursive: true);
    }

    public string Sub(string name) => Directory.CreateDirectory(Path.Combine(Folder, name)).FullName;

    private async Task StartServersAsync(BenchOptions options)
    {
        Wrk = new Wrk(Sub("wrk"));
        Simulator = Keep(await SimulatorServer.StartAsync(Programs));
        Postgres = Keep(await PostgresCluster.StartAsync(Path.Combine(Folder, "postgres")));
        var through = Keep(ServerProcess.Start(Target.PassThrough, Path.Combine(Programs, "passthrough", "demarc-bench-passthrough"), [Simulator.Url.AbsoluteUri]));
        var (nginx, nginxUrl) = NginxServer.Start(Sub("nginx"), Simulator.Url);
        Keep(nginx);
        var (sqlite, postgres, vendor) = (Commands.FreePort(), Commands.FreePort(), Commands.FreePort());
        Identity = options.Everything || options.Measures(Target.Vendor)
            ? Keep(await IdentityProvider.StartAsync(options.Gateways, [.. new[] { sqlite, postgres, vendor }.Select(IdentityProvider.Redirect)]))
            : null;
        var identity = options.Everything ? Identity : null;
        DemarcSqlite = Keep(await DemarcServer.StartAsync(Programs, Target.Sqlite, Path.Combine(Folder, "sqlite"), Simulator.Url, port: sqlite, identity: identity));
        DemarcPostgres = Keep(await DemarcServer.StartAsync(
            Programs, Target.Postgres, Path.Combine(Folder, "on-postgres"), Simulator.Url, await Postgres.CreateAsync("demarc"), postgres, identity: identity));
        Targets =
        [
            new Target(Target.Direct, Simulator.Url, Target.Key("simulator")),
            new Target(Target.PassThrough, await through.UrlAsync(), Target.Key("simulator")),
            new Target(Target.Nginx, nginxUrl, Target.Key("simulator")),
            new Target(Target.Sqlite, DemarcSqlite.Url, DemarcSqlite.Credential),
            new Target(Target.Postgres, DemarcPostgres.Url, DemarcPostgres.Credential),
        ];
        if (options.Measures(Target.Volatile))
        {
            _memory = Directory.CreateDirectory(Path.Combine("/dev/shm", Path.GetFileName(Folder))).FullName;
            var server = Keep(await DemarcServer.StartAsync(Programs, Target.Volatile, _memory, Simulator.Url));
            Targets = [.. Targets, new Target(Target.Volatile, server.Url, server.Credential)];
        }
        if (options.Measures(Target.Vendor))
        {
            var gateway = Keep(await VendorGateway.StartAsync(options.Gateways, Sub("vendor"), vendor, await Postgres.CreateAsync("vendor"), Simulator.Url, Identity!));
            Targets = [.. Targets, new Target(Target.Vendor, gateway.Url, Target.Token(gateway.Token))];
        }
        if (options.Measures(Target.Portkey))
        {
            var (gateway, url) = await PortkeyServer.StartAsync(options.Gateways);
            Keep(gateway);
            Targets = [.. Targets, new Target(Target.Portkey, url, PortkeyServer.Headers(Simulator.Url))];
        }
    }

    private T Keep<T>(T started) where T : IAsyncDisposable
    {
        _started.Add(started);
        return started;
    }
}
