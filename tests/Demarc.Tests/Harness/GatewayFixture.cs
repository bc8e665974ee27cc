using System.Text.Json;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Harness;

/// <summary>
/// A gateway in this process with a simulator behind it, on a SQLite store in a folder of its own, and the quickstart's
/// people and keys. As a class fixture it serves the quickstart's configuration (capture <c>full</c>).
/// </summary>
public sealed class GatewayFixture : IAsyncLifetime
{
    private readonly string? _configuration;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly ILoggerProvider? _log;
    private Gateway? _gateway;
    private JsonElement _quickstart;

    public GatewayFixture() => Http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

    private GatewayFixture(string? configuration, TimeProvider time, ILoggerProvider? log)
        : this() => (_configuration, _time, _log) = (configuration, time, log);

    /// <summary>The gateway's address, without a path.</summary>
    public Uri Url { get; private set; } = null!;

    public SimulatorHost Simulator { get; private set; } = null!;

    internal Gateway Gateway => _gateway!;

    /// <summary>Store, master key and <c>quickstart.json</c>.</summary>
    public string DataDirectory { get; } = Directory.CreateTempSubdirectory("demarc-gateway-").FullName;

    public string AdminKey => Key("admin_key");

    public string ComplianceKey => Key("compliance_key");

    public string DeveloperKey => Key("developer_key");

    /// <summary>Sends no credential of its own.</summary>
    public HttpClient Http { get; }

    /// <param name="configuration">YAML in which <c>SIMULATOR</c> stands for the simulator's address; null for the quickstart's own.</param>
    /// <param name="log">What gets every line of the gateway's own, as it logs when it serves; null for nobody.</param>
    public static async Task<GatewayFixture> StartAsync(string? configuration = null, TimeProvider? time = null, ILoggerProvider? log = null)
    {
        var fixture = new GatewayFixture(configuration, time ?? TimeProvider.System, log);
        await fixture.InitializeAsync();
        return fixture;
    }

    public async ValueTask InitializeAsync()
    {
        Simulator = await SimulatorHost.StartAsync();
        var path = _configuration is null ? null : Path.Combine(DataDirectory, "demarc.yaml");
        if (path is not null)
            await File.WriteAllTextAsync(path, _configuration!.Replace("SIMULATOR", Simulator.Url.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal));
        _gateway = await Gateway.StartAsync(
            new ServeOptions { ConfigPath = path, DataDirectory = DataDirectory, Listen = "127.0.0.1:0", Quickstart = true, Simulator = Simulator.Url },
            _time,
            logging =>
            {
                logging.ClearProviders();
                if (_log is not null)
                    logging.AddProvider(_log).SetMinimumLevel(LogLevel.Trace).AddFilter("Microsoft", LogLevel.Warning);
            });
        _quickstart = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(DataDirectory, "quickstart.json"))).RootElement;
        Url = new Uri(Key("url"));
    }

    /// <summary>The same store, opened as the command line opens it beside a serving gateway. The caller disposes it.</summary>
    public async Task<Store> OpenStoreAsync()
    {
        var master = new MasterKey(Convert.FromBase64String(await File.ReadAllTextAsync(Path.Combine(DataDirectory, "master.key"))));
        return await Store.OpenSqliteAsync(Path.Combine(DataDirectory, "demarc.db"), master, _time, NullLoggerFactory.Instance);
    }

    /// <summary>Makes another key of the quickstart's developer.</summary>
    public async Task<(StoredApiKey Key, Secret Secret)> NewKeyAsync(Store store)
    {
        var organization = await SqlAsync<string>("SELECT organization_id FROM users LIMIT 1");
        var developer = await SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'");
        return await store.ApiKeys.CreateAsync(
            new NewApiKey(organization!, ApiKeyKind.Inference, "test", "user", developer!), new ActorRecord("cli", "test"));
    }

    /// <summary>What is on record of requests that have finished, oldest first.</summary>
    public async Task<FinishedRequest[]> RequestsAsync()
    {
        await Gateway.Store.SettledAsync();
        await using var connection = new SqliteConnection($"Data Source={DataDirectory}/demarc.db;Mode=ReadOnly;Pooling=false");
        var rows = await connection.QueryAsync<(byte[] Begun, byte[] Finished, string SessionId, long Content)>(
            """
            SELECT b.body, f.body, b.session_id, coalesce(length(f.content), 0)
            FROM records AS b JOIN records AS f ON f.request_id = b.request_id AND f.kind = 3
            WHERE b.kind = 1 ORDER BY b.sequence
            """);
        return
        [
            .. rows.Select(row => new FinishedRequest(
                JsonSerializer.Deserialize(row.Begun, RecordJson.Default.BegunRecord)!,
                JsonSerializer.Deserialize(row.Finished, RecordJson.Default.FinishedRecord)!,
                row.SessionId,
                row.Content)),
        ];
    }

    /// <summary>Reads one value from the store's file, beside the program.</summary>
    public async Task<T?> SqlAsync<T>(string sql, object? parameters = null)
    {
        await Gateway.Store.SettledAsync();
        await using var connection = new SqliteConnection($"Data Source={DataDirectory}/demarc.db;Mode=ReadOnly;Pooling=false");
        return await connection.ExecuteScalarAsync<T>(sql, parameters);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_gateway is not null)
            await _gateway.DisposeAsync();
        await Simulator.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }

    private string Key(string name) => _quickstart.GetProperty(name).GetString()!;
}

/// <summary>One request as the evidence log has it.</summary>
/// <param name="SessionId"><c>clls_…</c>.</param>
/// <param name="ContentBytes">Bytes of sealed content; 0 when nothing was captured.</param>
public sealed record FinishedRequest(BegunRecord Begun, FinishedRecord Finished, string SessionId, long ContentBytes);
