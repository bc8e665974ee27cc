using System.Diagnostics;
using Demarc.Tests.Harness;
using Npgsql;
using Xunit;

[assembly: AssemblyFixture(typeof(Demarc.Tests.Storage.PostgresServer.Run))]

namespace Demarc.Tests.Storage;

/// <summary>
/// A private PostgreSQL cluster for the test run, in a temporary folder on a free port, started on first use and
/// stopped when the last test has run. Without PostgreSQL installed its tests skip, and fail under <c>CI=true</c>.
/// </summary>
public sealed class PostgresServer
{
    private static readonly Lazy<Task<PostgresServer>> Shared = new(StartAsync);

    private readonly Process _process;
    private readonly string _folder;
    private readonly int _port;
    private int _databases;

    private PostgresServer(Process process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        _port = port;
        // Of a run that is broken off.
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (!process.HasExited)
                Process.Start("kill", ["-QUIT", $"{process.Id}"]).Dispose();
        };
    }

    /// <summary>A fresh, empty database: <c>postgres://…</c>.</summary>
    public static async Task<string> NewDatabaseAsync()
    {
        if (Programs() == null)
        {
            const string missing = "PostgreSQL is not installed (apt-get install postgresql)";
            if (Environment.GetEnvironmentVariable("CI") == "true")
                Assert.Fail(missing);
            Assert.Skip(missing);
        }
        var server = await Shared.Value;
        var name = $"demarc_{Interlocked.Increment(ref server._databases)}";
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return $"postgres://postgres@127.0.0.1:{server._port}/{name}";
    }

    /// <summary>Removes a database with all that is connected to it.</summary>
    public static async Task DropDatabaseAsync(string url)
    {
        var server = await Shared.Value;
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"DROP DATABASE {new Uri(url).AbsolutePath.Trim('/')} WITH (FORCE)", connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Dumps one database and restores it into another, which is empty.</summary>
    public static Task CopyAsync(string url, string to)
    {
        static string Options(string url) => $"-h 127.0.0.1 -p {new Uri(url).Port} -U postgres -d {new Uri(url).AbsolutePath.Trim('/')}";
        return RunAsync("bash", "-o", "pipefail", "-c", $"{Programs()}/pg_dump {Options(url)} | {Programs()}/psql -q -v ON_ERROR_STOP=1 {Options(to)} > /dev/null");
    }

    /// <summary>Ends every connection to a database, as a failing network or server would.</summary>
    public static async Task DropConnectionsAsync(string url)
    {
        var server = await Shared.Value;
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", connection);
        command.Parameters.AddWithValue(new Uri(url).AbsolutePath.Trim('/'));
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Whether a database takes connections; when it takes none, those that there are end.</summary>
    public static async Task AllowConnectionsAsync(string url, bool allow)
    {
        var server = await Shared.Value;
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"ALTER DATABASE {new Uri(url).AbsolutePath.Trim('/')} ALLOW_CONNECTIONS {allow}", connection);
        await command.ExecuteNonQueryAsync();
        if (!allow)
            await DropConnectionsAsync(url);
    }

    private string ConnectionString(string database) =>
        $"Host=127.0.0.1;Port={_port};Username=postgres;Database={database};Pooling=false";

    private static string? Programs() =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .Select(folder => Path.Combine(folder, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "postgres")))
                .Order(StringComparer.Ordinal)
                .LastOrDefault()
            : null;

    private static async Task<PostgresServer> StartAsync()
    {
        var bin = Programs()!;
        var folder = Directory.CreateTempSubdirectory("demarc-postgres-").FullName;
        // PostgreSQL refuses to run as root.
        var root = Environment.UserName == "root";
        if (root)
            await RunAsync("chown", "postgres", folder);
        var data = Path.Combine(folder, "data");
        await RunAsync(Command(root, Path.Combine(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"));

        var port = Ports.Free();
        var start = new ProcessStartInfo { RedirectStandardError = true, RedirectStandardOutput = true };
        Fill(start, Command(
            root, Path.Combine(bin, "postgres"), "-D", data, "-p", $"{port}", "-k", folder,
            "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300",
            // No test pulls the plug of this machine; one that kills PostgreSQL has a server of its own.
            "-c", "fsync=off", "-c", "full_page_writes=off"));
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var server = new PostgresServer(process, folder, port);
        await server.ReadyAsync();
        return server;
    }

    private async Task ReadyAsync()
    {
        var started = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
                await connection.OpenAsync();
                return;
            }
            catch (NpgsqlException) when (!_process.HasExited && started.Elapsed < TimeSpan.FromSeconds(30))
            {
                // It tells only by answering.
                await Task.Delay(50);
            }
        }
    }

    private async Task StopAsync()
    {
        // SIGQUIT ends it at once and still frees its shared memory, which SIGKILL would leave behind.
        await RunAsync("kill", "-QUIT", $"{_process.Id}");
        await _process.WaitForExitAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string[] Command(bool root, params string[] command) =>
        root ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. command] : command;

    private static async Task RunAsync(params string[] command)
    {
        var start = new ProcessStartInfo { RedirectStandardError = true, RedirectStandardOutput = true };
        Fill(start, command);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{command[0]} failed: {error}");
    }

    private static void Fill(ProcessStartInfo start, string[] command)
    {
        start.FileName = command[0];
        foreach (var argument in command[1..])
            start.ArgumentList.Add(argument);
        // initdb and postgres want a working directory that their user may enter.
        start.WorkingDirectory = "/";
    }

    /// <summary>Stops the server as a part of the run: a process that is ending has ten seconds, which many databases do not go away in.</summary>
    public sealed class Run : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (Shared.IsValueCreated)
                await (await Shared.Value).StopAsync();
        }
    }
}
