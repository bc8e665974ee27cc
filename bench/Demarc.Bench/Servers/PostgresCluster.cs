using System.Globalization;
using Npgsql;

namespace Demarc.Bench.Servers;

/// <summary>A private PostgreSQL cluster in a folder of its own, with the durable defaults (fsync, synchronous_commit).</summary>
internal sealed class PostgresCluster : IAsyncDisposable
{
    private readonly ServerProcess _process;
    private readonly int _port;

    private PostgresCluster(ServerProcess process, int port) => (_process, _port) = (process, port);

    public int ProcessId => _process.Id;

    public static async Task<PostgresCluster> StartAsync(string folder)
    {
        var bin = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "postgres"))).Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        if (bin is null)
            throw new BenchException("PostgreSQL is not installed (apt-get install postgresql)");
        Directory.CreateDirectory(folder);
        // PostgreSQL refuses to run as root.
        string[] other = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        if (other.Length > 0)
        {
            await Commands.RunAsync("chown", "postgres", folder);
            await Commands.RunAsync("chmod", "o+x", Path.GetDirectoryName(folder)!);
        }
        var data = Path.Combine(folder, "data");
        string[] init = [.. other, Path.Combine(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        await Commands.RunAsync(init[0], init[1..]);
        var port = Commands.FreePort();
        string[] run =
        [
            .. other, Path.Combine(bin, "postgres"), "-D", data, "-p", port.ToString(CultureInfo.InvariantCulture), "-k", folder,
            "-c", "listen_addresses=127.0.0.1",
        ];
        var cluster = new PostgresCluster(ServerProcess.Start("postgres", run[0], run[1..], stopSignal: "INT"), port);
        await cluster._process.ReadyAsync(async () =>
        {
            await using var connection = await cluster.OpenAsync("postgres");
        });
        return cluster;
    }

    /// <summary>Makes an empty database; its address as a URL.</summary>
    public async Task<string> CreateAsync(string database)
    {
        await using var connection = await OpenAsync("postgres");
        await using var command = new NpgsqlCommand($"CREATE DATABASE {database}", connection);
        await command.ExecuteNonQueryAsync();
        return $"postgres://postgres@127.0.0.1:{_port}/{database}";
    }

    public async Task<NpgsqlConnection> OpenAsync(string database)
    {
        var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={_port};Username=postgres;Database={database};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
