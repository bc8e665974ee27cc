using Demarc.Bench.Load;
using Demarc.Bench.Servers;

namespace Demarc.Bench;

/// <summary>Every server that a run measures, each in its own process, in a temporary folder that goes with it.</summary>
internal sealed class Workbench : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _started = [];

    private Workbench(string programs, string folder) => (Programs, Folder) = (programs, folder);

    public string Programs { get; }

    public string Folder { get; }

    public SimulatorServer Simulator { get; private set; } = null!;

    public PostgresCluster Postgres { get; private set; } = null!;

    public DemarcServer DemarcSqlite { get; private set; } = null!;

    public DemarcServer DemarcPostgres { get; private set; } = null!;

    public Wrk Wrk { get; private set; } = null!;

    /// <summary>In the order in which they are measured: the upstream alone, then what stands before it.</summary>
    public Target[] Targets { get; private set; } = [];

    public Target this[string name] => Targets.First(t => t.Name == name);

    public static async Task<Workbench> StartAsync(BenchOptions options)
    {
        var bench = new Workbench(options.Programs, Directory.CreateTempSubdirectory("demarc-bench-").FullName);
        try
        {
            await bench.StartAsync();
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
    }

    public string Sub(string name) => Directory.CreateDirectory(Path.Combine(Folder, name)).FullName;

    private async Task StartAsync()
    {
        Wrk = new Wrk(Sub("wrk"));
        Simulator = Keep(await SimulatorServer.StartAsync(Programs));
        Postgres = Keep(await PostgresCluster.StartAsync(Path.Combine(Folder, "postgres")));
        var through = Keep(ServerProcess.Start(Target.PassThrough, Path.Combine(Programs, "passthrough", "demarc-bench-passthrough"), [Simulator.Url.AbsoluteUri]));
        var (nginx, nginxUrl) = NginxServer.Start(Sub("nginx"), Simulator.Url);
        Keep(nginx);
        DemarcSqlite = Keep(await DemarcServer.StartAsync(Programs, Target.Sqlite, Path.Combine(Folder, "sqlite"), Simulator.Url));
        DemarcPostgres = Keep(await DemarcServer.StartAsync(
            Programs, Target.Postgres, Path.Combine(Folder, "on-postgres"), Simulator.Url, await Postgres.CreateAsync("demarc")));
        Targets =
        [
            new Target(Target.Direct, Simulator.Url, "simulator"),
            new Target(Target.PassThrough, await through.UrlAsync(), "simulator"),
            new Target(Target.Nginx, nginxUrl, "simulator"),
            new Target(Target.Sqlite, DemarcSqlite.Url, DemarcSqlite.Key),
            new Target(Target.Postgres, DemarcPostgres.Url, DemarcPostgres.Key),
        ];
    }

    private T Keep<T>(T started) where T : IAsyncDisposable
    {
        _started.Add(started);
        return started;
    }
}
