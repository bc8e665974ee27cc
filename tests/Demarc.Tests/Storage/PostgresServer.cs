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
public sealed class PostgresServer : IAsyncDisposable
{
    // No test pulls the plug of this machine; one that kills PostgreSQL has a server of its own.
    private static readonly Lazy<Task<PostgresServer>> Shared = new(() => StartAsync(null, "127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off"));

    private readonly string _folder;
    private readonly string _host;
    private readonly int _port = Ports.Free();
    private readonly string[] _settings;
    private Process? _process;
    private int _databases;

    private PostgresServer(string folder, string host, string[] settings)
    {
        (_folder, _host, _settings) = (folder, host, settings);
        // Of a run that is broken off.
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (_process is { HasExited: false })
                Process.Start("kill", ["-QUIT", $"{_process.Id}"]).Dispose();
        };
    }

    private static bool IsRoot => Environment.UserName == "root";

    /// <summary>One of the test's own, which keeps what it promised through a kill.</summary>
    /// <param name="folder">Where its data is; null for a temporary folder.</param>
    /// <param name="host">The address that it listens on.</param>
    public static Task<PostgresServer> StartOwnAsync(string? folder = null, string host = "127.0.0.1")
    {
        Component.Require(Programs() is not null, Missing);
        return StartAsync(folder, host);
    }

    /// <summary>A fresh, empty database: <c>postgres://…</c>.</summary>
    public static async Task<string> NewDatabaseAsync()
    {
        Component.Require(Programs() is not null, Missing);
        return await (await Shared.Value).CreateAsync();
    }

    /// <summary>The same, of this server.</summary>
    public async Task<string> CreateAsync()
    {
        var name = $"demarc_{Interlocked.Increment(ref _databases)}";
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return $"postgres://postgres@{_host}:{_port}/{name}";
    }

    /// <summary>As <c>kill -9</c> of each of its processes, and a start after it; returns when it takes connections.</summary>
    public async Task KillAsync()
    {
        await SignalAsync("KILL");
        await _process!.WaitForExitAsync(TestContext.Current.CancellationToken);
        await LaunchAsync();
    }

    /// <summary>Starts it where it has given up.</summary>
    public async Task ReviveAsync()
    {
        if (_process!.HasExited)
            await LaunchAsync();
        else
            await ReadyAsync();
    }

    /// <summary>Sends a signal to each of its processes.</summary>
    public async Task SignalAsync(string signal)
    {
        var children = await File.ReadAllTextAsync($"/proc/{_process!.Id}/task/{_process.Id}/children", TestContext.Current.CancellationToken);
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}", .. children.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        // SIGQUIT ends it at once and still frees its shared memory, which SIGKILL would leave behind.
        if (!_process!.HasExited)
            await RunAsync("kill", "-QUIT", $"{_process.Id}");
        await _process.WaitForExitAsync();
        Directory.Delete(_folder, recursive: true);
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

    private const string Missing = "PostgreSQL is not installed (apt-get install postgresql)";

    private string ConnectionString(string database) =>
        $"Host={_host};Port={_port};Username=postgres;Database={database};Pooling=false";

    private static string? Programs() =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .Select(folder => Path.Combine(folder, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "postgres")))
                .Order(StringComparer.Ordinal)
                .LastOrDefault()
            : null;

    private static async Task<PostgresServer> StartAsync(string? folder, string host, params string[] settings)
    {
        folder ??= Directory.CreateTempSubdirectory("demarc-postgres-").FullName;
        var server = new PostgresServer(folder, host, settings);
        // PostgreSQL refuses to run as root.
        if (IsRoot)
            await RunAsync("chown", "postgres", folder);
        await RunAsync(Command(Path.Combine(Programs()!, "initdb"), "-D", Path.Combine(folder, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"));
        if (host != "127.0.0.1")
            await File.AppendAllTextAsync(Path.Combine(folder, "data", "pg_hba.conf"), "host all all all trust\n");
        await server.LaunchAsync();
        return server;
    }

    private async Task LaunchAsync()
    {
        var start = new ProcessStartInfo { RedirectStandardError = true, RedirectStandardOutput = true };
        Fill(start, Command(
            Path.Combine(Programs()!, "postgres"),
            ["-D", Path.Combine(_folder, "data"), "-p", $"{_port}", "-k", _folder, "-c", $"listen_addresses={_host}", "-c", "max_connections=300", .. _settings]));
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await ReadyAsync();
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
            catch (NpgsqlException) when (!_process!.HasExited && started.Elapsed < TimeSpan.FromSeconds(30))
            {
                // It tells only by answering.
                await Task.Delay(50);
            }
        }
    }

    private static string[] Command(string program, params string[] arguments) => Command([program, .. arguments]);

    private static string[] Command(string[] command) =>
        IsRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. command] : command;

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
                await (await Shared.Value).DisposeAsync();
        }
    }
}
