using System.Data.Common;
using System.Text.Json;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Demarc.Tests.Storage;

public enum StoreKind
{
    Sqlite,
    Postgres,
}

/// <summary>A place for one store, empty at first; any number of stores can be opened on it, as processes would.</summary>
public sealed class StorePlace : IAsyncDisposable
{
    public static readonly MasterKey Master = new(Enumerable.Repeat((byte)7, 32).ToArray());

    /// <summary>The same as commands find it in the file <c>master.key</c>.</summary>
    public static string MasterKeyText => Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray());

    public static readonly ActorRecord Actor = new("cli", "test");

    private readonly string? _folder;
    private readonly bool _isOwn;
    private readonly List<Store> _stores = [];

    private StorePlace(string url, string? folder, bool isOwn = true) => (Url, _folder, _isOwn) = (url, folder, isOwn);

    public string Url { get; }

    public static async Task<StorePlace> CreateAsync(StoreKind kind)
    {
        if (kind == StoreKind.Postgres)
            return new StorePlace(await PostgresServer.NewDatabaseAsync(), null);
        var folder = Directory.CreateTempSubdirectory("demarc-store-").FullName;
        return new StorePlace($"sqlite:{folder}/demarc.db", folder);
    }

    /// <summary>A store that somebody else made and removes.</summary>
    public static StorePlace At(string url) =>
        new(url, url.StartsWith("sqlite:", StringComparison.Ordinal) ? Path.GetDirectoryName(url["sqlite:".Length..]) : null, isOwn: false);

    public async Task<Store> OpenAsync(TimeProvider? time = null)
    {
        var store = await Store.OpenAsync(Url, Master, time ?? TimeProvider.System, NullLoggerFactory.Instance);
        lock (_stores)
            _stores.Add(store);
        return store;
    }

    /// <summary>A backup of what is there now, as an operator makes one; a place of its own.</summary>
    public async Task<StorePlace> CopyAsync()
    {
        if (_folder is null)
        {
            var copy = await PostgresServer.NewDatabaseAsync();
            await PostgresServer.CopyAsync(Url, copy);
            return new StorePlace(copy, null);
        }
        var folder = Directory.CreateTempSubdirectory("demarc-store-").FullName;
        foreach (var file in new[] { "demarc.db", "derived.db", "keys.db" })
        {
            await using var sqlite = new SqliteConnection($"Data Source={_folder}/{file};Pooling=false");
            await sqlite.OpenAsync();
            await sqlite.ExecuteAsync("VACUUM INTO @to", new { to = Path.Combine(folder, file) });
        }
        return new StorePlace($"sqlite:{folder}/demarc.db", folder);
    }

    /// <summary>Runs SQL beside the program, as an operator could.</summary>
    public async Task<T?> SqlAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await ConnectAsync();
        return await connection.ExecuteScalarAsync<T>(sql, parameters);
    }

    /// <summary>Runs SQL in a transaction that stays open until the result is disposed.</summary>
    public async Task<IAsyncDisposable> HoldAsync(string sql)
    {
        var connection = await ConnectAsync();
        await connection.ExecuteAsync("BEGIN; " + sql);
        return connection;
    }

    /// <summary>Rows of a query beside the program.</summary>
    public async Task<T[]> QueryAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await ConnectAsync();
        return [.. await connection.QueryAsync<T>(sql, parameters)];
    }

    /// <summary>
    /// The log from its start, once all of it can be read: on PostgreSQL a transaction of any database of the cluster,
    /// so of any test that runs beside, holds readers back until it ends.
    /// </summary>
    internal async Task<LogRow[]> LogAsync(Store store)
    {
        var all = await SqlAsync<long>("SELECT count(*) FROM records");
        var rows = new List<LogRow>();
        while (rows.Count < all)
        {
            // A read ends where what this store wrote ends: the rows of another follow in the next.
            var more = await store.ReadLogAsync(rows.Count == 0 ? default : rows[^1].Place, int.MaxValue);
            rows.AddRange(more);
            // Nothing tells when a transaction of another database has ended.
            if (more.Length == 0)
                await Task.Delay(5);
        }
        return [.. rows];
    }

    /// <summary>Projects all that the log holds.</summary>
    public async Task ProjectAsync(Store store)
    {
        await LogAsync(store);
        while (await store.Projector.CatchUpAsync() > 0)
        {
            // As far as one store wrote without the other, each time.
        }
    }

    public static EvidenceRecord Event(string organizationId, string type = "test_event", string? value = null) => new()
    {
        OrganizationId = organizationId,
        Kind = RecordKind.Event,
        RequestId = Guid.CreateVersion7(),
        At = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
        Body = JsonSerializer.SerializeToUtf8Bytes(
            new EventRecord { Type = type, Actor = Actor, Fields = new() { ["value"] = value } }, RecordJson.Default.EventRecord),
    };

    private async Task<DbConnection> ConnectAsync()
    {
        if (_folder is null)
        {
            var url = new Uri(Url);
            var postgres = new NpgsqlConnection($"Host={url.Host};Port={url.Port};Username=postgres;Database={url.AbsolutePath.Trim('/')};Pooling=false");
            await postgres.OpenAsync();
            return postgres;
        }
        var sqlite = new SqliteConnection($"Data Source={_folder}/demarc.db;Pooling=false");
        await sqlite.OpenAsync();
        await sqlite.ExecuteAsync($"ATTACH '{_folder}/derived.db' AS derived");
        return sqlite;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
            await store.DisposeAsync();
        if (!_isOwn)
            return;
        if (_folder != null)
            Directory.Delete(_folder, recursive: true);
        else
            await PostgresServer.DropDatabaseAsync(Url);
    }
}
