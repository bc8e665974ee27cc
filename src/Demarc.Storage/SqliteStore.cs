using System.Data.Common;
using System.Text.Json;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Evidence;
using Demarc.Storage.Journals;
using Demarc.Storage.Migrations;
using Demarc.Storage.Projections;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Demarc.Storage;

/// <summary>
/// The store in SQLite files: the log and the directory in one, content keys in <c>keys.db</c>, and what is derived from
/// the log in <c>derived.db</c>, so that no commit of a request waits for a projection. One process serves from it, and makes its
/// records durable in the folder <c>journal</c> first; others (the command line) may read and write the store meanwhile.
/// </summary>
internal sealed partial class SqliteStore : Store
{
    /// <summary>How long a write waits for another process's transaction.</summary>
    public const int BusyMilliseconds = 10_000;

    // What commands do with the journal takes as long as the store takes what is left in it.
    private static readonly TimeSpan ReplayedBy = TimeSpan.FromSeconds(30);

    private static readonly BulkStatement KeepSalts = BulkStatement.Insert("leaf_salts", SaltColumns, "ON CONFLICT DO NOTHING");

    private readonly string _file;
    private readonly string _readString;
    private readonly string _keyReadString;
    private readonly SqliteWriter _writer;
    private readonly SqliteWriter _derivedWriter;
    private readonly SqliteWriter _keyWriter;
    private readonly string _journalFolder;
    private readonly ILogger _log;

    private SqliteStore(string file, SqliteConnection records, SqliteConnection derived, SqliteConnection keys, MasterKey master, TimeProvider time, ILoggerFactory loggers)
        : base(master, time, loggers)
    {
        _file = file;
        _journalFolder = Path.Combine(Path.GetDirectoryName(file)!, "journal");
        _log = loggers.CreateLogger<SqliteStore>();
        _readString = ReadString(derived.DataSource);
        _keyReadString = ReadString(keys.DataSource);
        _writer = new SqliteWriter(records, Replica, time, RaiseAppended);
        _derivedWriter = new SqliteWriter(derived, null, time, () => { });
        _keyWriter = new SqliteWriter(keys, null, time, () => { });
    }

    // One process serves, so whoever else has begun something is gone.
    internal override bool HasReplicas => false;

    internal override bool HasLateral => false;

    internal override string DeadReplicas => "replica <> @self";

    // Without statistics SQLite takes the primary key, and walks past all that does not match.
    internal override string ByIndex(string table, string index) => $"{table} INDEXED BY {index}";

    internal override string Unfollowed => "watermarks w JOIN records r ON r.sequence > w.sequence WHERE w.name = 'records'";

    internal override string TextsOfJson(string parameter) => $"(SELECT value FROM json_each(@{parameter}))";

    internal override string IsAmong(string column, string parameter) => $"{column} IN {TextsOfJson(parameter)}";

    internal override string AsBytes(string column) => $"CAST({column} AS blob)";

    internal override string IsPassed => "r.sequence <= m.sequence";

    internal override string NumbersOfJson(string parameter) => TextsOfJson(parameter);

    internal override string IsAmongNumbers(string column, string parameter) => $"{column} IN {NumbersOfJson(parameter)}";

    internal override object NumbersValue(long[] numbers) => JsonSerializer.Serialize(numbers);

    public static async Task<SqliteStore> OpenAtAsync(string path, MasterKey master, TimeProvider time, ILoggerFactory loggers)
    {
        var file = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(file)!;
        var records = await OpenFileAsync(file, "Sqlite", "FULL", time).ConfigureAwait(false);
        // What a loss of power takes from the end of it is derived again: its watermark goes with it.
        var derived = await OpenFileAsync(Path.Combine(folder, "derived.db"), "SqliteDerived", "NORMAL", time).ConfigureAwait(false);
        var keys = await OpenFileAsync(Path.Combine(folder, "keys.db"), "SqliteKeys", "FULL", time).ConfigureAwait(false);
        var store = new SqliteStore(file, records, derived, keys, master, time, loggers);
        await store.ReplayAsync().ConfigureAwait(false);
        return store;
    }

    public override Task AppendAsync(EvidenceRecord record) => RecordJournal is { } journal ? journal.AppendAsync(record) : _writer.AppendAsync(record);

    public override void Hurry() => RecordJournal?.Hurry();

    internal override Task<T> WriteAsync<T>(Func<StoreTransaction, Task<T>> write) =>
        _writer.WriteAsync<T>(write, scope =>
        {
            if (scope.Changed)
                Changes.Nudge();
        });

    internal override Task<T> WriteDerivedAsync<T>(Func<StoreTransaction, Task<T>> write, int? within = null) => _derivedWriter.WriteAsync<T>(write, _ => { });

    internal override async Task<T> WriteKeysAsync<T>(Func<StoreTransaction, Task<T>> write)
    {
        var result = await _keyWriter.WriteAsync<T>(write, _ => { }).ConfigureAwait(false);
        await CutAsync(_keyReadString, BusyMilliseconds).ConfigureAwait(false);
        return result;
    }

    internal override async Task CutAsync()
    {
        // A reader that is in the way is not waited for: what is left is written over by what comes.
        foreach (var file in new[] { ReadString(_file), _readString })
            await CutAsync(file, 1000).ConfigureAwait(false);
    }

    // What was overwritten stands in the write-ahead log until that is moved into the file and cut.
    private static async Task CutAsync(string file, int patience)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder(file) { Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        await using (connection.ConfigureAwait(false))
        {
            await connection.OpenAsync().ConfigureAwait(false);
            await connection.ExecuteAsync($"PRAGMA busy_timeout={patience}; PRAGMA wal_checkpoint(TRUNCATE)").ConfigureAwait(false);
        }
    }

    internal override async Task<T[]> QueryKeysAsync<T>(string sql, object? parameters = null)
    {
        var connection = await OpenReadAsync(_keyReadString).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return [.. await connection.QueryAsync<T>(sql, parameters).ConfigureAwait(false)];
    }

    internal override string KeyTable(string name) => name;

    // What is derived comes first, and so does its snapshot: whatever row of the log it names is in the log's.
    internal override async Task<DbConnection> OpenReadAsync()
    {
        await SettledAsync().ConfigureAwait(false);
        return await OpenReadBesideAsync().ConfigureAwait(false);
    }

    internal override async Task<DbConnection> OpenReadBesideAsync()
    {
        var connection = (SqliteConnection)await OpenReadAsync(_readString).ConfigureAwait(false);
        // A connection of the pool still has it.
        if (raw.sqlite3_db_filename(connection.Handle, "log").utf8_to_string() is null)
            await connection.ExecuteAsync("ATTACH @_file AS log", new { _file }).ConfigureAwait(false);
        return connection;
    }

    internal override Task<byte[]> KeepContentKeyAsync(string organizationId, string sessionId, string day, byte[] wrapped) =>
        _keyWriter.WriteAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync(
                    """
                    INSERT INTO content_keys (organization_id, session_id, day, wrapped)
                    VALUES (@organizationId, @sessionId, @day, @wrapped) ON CONFLICT DO NOTHING
                    """,
                    new { organizationId, sessionId, day, wrapped }).ConfigureAwait(false);
                return (await transaction.FindAsync<byte[]>(SelectContentKey, new { organizationId, sessionId, day }).ConfigureAwait(false))!;
            },
            _ => { });

    internal override async Task<byte[]?> FindContentKeyAsync(string organizationId, string sessionId, string day)
    {
        var connection = await OpenReadAsync(_keyReadString).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return await connection.QueryFirstOrDefaultAsync<byte[]>(SelectContentKey, new { organizationId, sessionId, day }).ConfigureAwait(false);
    }

    internal override async Task<byte[]?> FindLeafSaltsAsync(string organizationId, long number)
    {
        var connection = await OpenReadAsync(_keyReadString).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return await connection.QueryFirstOrDefaultAsync<byte[]>(
                "SELECT salts FROM leaf_salts WHERE organization_id = @organizationId AND number = @number", new { organizationId, number }).ConfigureAwait(false);
    }

    internal override Task KeepLeafSaltsAsync(string organizationId, long number, byte[][] pages) =>
        _keyWriter.WriteAsync(
            async transaction =>
            {
                await transaction.ExecuteManyAsync(KeepSalts, SaltRows(organizationId, number, pages)).ConfigureAwait(false);
                return true;
            },
            _ => { });

    internal override Task<LogRow[]> ReadLogAsync(LogPlace after, int limit) =>
        _writer.Recent.Take(after.Sequence, limit) is { Length: > 0 } recent ? Task.FromResult(recent) : QueryAsync<LogRow>(
            """
            SELECT 0 AS xact, sequence, organization_id, kind, request_id, session_id, at, body, content IS NOT NULL AS captured
            FROM records WHERE sequence > @Sequence ORDER BY sequence LIMIT @limit
            """,
            new { after.Sequence, limit });

    internal override Task<Lead> LeadAsync(Leadership what, CancellationToken stop)
    {
        try
        {
            // The lock ends with the process, however it ends.
            var held = new FileStream(_file + (what == Leadership.Projections ? ".serving" : ".exporting"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            return what == Leadership.Projections ? ServeAsync(held, stop) : Task.FromResult(Held(held));
        }
        catch (IOException e)
        {
            throw new StoreException($"Another process serves from {_file}: stop it, or move the store to PostgreSQL to run several.", e);
        }
    }

    // The lock on the file says it.
    internal override Task BeatAsync() => Task.CompletedTask;

    internal override Task ListenAsync(Action changed, CancellationToken stop) => Task.CompletedTask;

    public override async ValueTask DisposeAsync()
    {
        if (RecordJournal is not null)
            await RecordJournal.DisposeAsync().ConfigureAwait(false);
        await _writer.DisposeAsync().ConfigureAwait(false);
        await _derivedWriter.DisposeAsync().ConfigureAwait(false);
        await _keyWriter.DisposeAsync().ConfigureAwait(false);
        foreach (var text in new[] { _readString, _keyReadString })
        {
            using var connection = new SqliteConnection(text);
            SqliteConnection.ClearPool(connection);
        }
    }

    private async Task<Lead> ServeAsync(FileStream held, CancellationToken stop)
    {
        try
        {
            if (RecordJournal is null)
            {
                var journal = await OpenJournalAsync(stop).ConfigureAwait(false);
                journal.Start(await ReplayAsync(journal).ConfigureAwait(false));
                RecordJournal = new JournalWriter(journal, TakeAsync, Time, _log, RecordAsync);
            }
            return Held(held);
        }
        catch
        {
            await held.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<Journal> OpenJournalAsync(CancellationToken stop)
    {
        System.IO.Directory.CreateDirectory(_journalFolder);
        var begun = Time.GetTimestamp();
        while (true)
        {
            if (Journal.OpenUnheld(_journalFolder) is { } journal)
                return journal;
            if (Time.GetElapsedTime(begun) > ReplayedBy)
                throw new StoreException($"Another process has had the journal {_journalFolder} open for {ReplayedBy.TotalSeconds} s: end it.");
            // A command gives the store what a server left, and lets go: the lock on a file gives no signal.
            await Task.Delay(TimeSpan.FromMilliseconds(20), Time, stop).ConfigureAwait(false);
        }
    }

    // For as long as the process holds the file.
    private static Lead Held(FileStream file) => new(file, () => Task.FromResult(true));

    // What a server that is gone had made durable. One that serves gives its own to the store.
    private async Task ReplayAsync()
    {
        if (!System.IO.Directory.Exists(_journalFolder))
            return;
        using var journal = Journal.OpenUnheld(_journalFolder);
        if (journal is not null)
            await ReplayAsync(journal).ConfigureAwait(false);
    }

    /// <summary>Gives the store what is left in the journal; the number up to which it then has all.</summary>
    private async Task<long> ReplayAsync(Journal journal)
    {
        var taken = await FindAsync<long>("SELECT taken FROM log.journal").ConfigureAwait(false);
        var left = journal.Left(taken);
        if (left.Count == 0)
            return taken;
        await TakeAsync([.. left.Select(l => l.Record)], left[^1].Number).ConfigureAwait(false);
        return left[^1].Number;
    }

    private Task<bool> TakeAsync(List<EvidenceRecord> records, long last) => _writer.WriteAsync(
        async transaction =>
        {
            // Another process that replays the same may have been first.
            if (await transaction.ExecuteAsync("UPDATE journal SET taken = @last WHERE taken < @last", new { last }).ConfigureAwait(false) == 0)
                return false;
            foreach (var record in records)
            {
                try
                {
                    await transaction.AppendAsync(record).ConfigureAwait(false);
                }
                catch (AlreadyRecordedException)
                {
                    RecordedBefore(record.Kind, Ids.From(Ids.Request, record.RequestId));
                }
            }
            return true;
        },
        _ => { });

    [LoggerMessage(3021, LogLevel.Critical, "A second {Kind} of {Request} came: the first stands")]
    private partial void RecordedBefore(RecordKind kind, string request);

    private const string SelectContentKey =
        "SELECT wrapped FROM content_keys WHERE organization_id = @organizationId AND session_id = @sessionId AND day = @day";

    private static string ReadString(string file) =>
        new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = true }.ToString();

    private static async Task<DbConnection> OpenReadAsync(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync().ConfigureAwait(false);
        return connection;
    }

    private static async Task<SqliteConnection> OpenFileAsync(string file, string dialect, string synchronous, TimeProvider time)
    {
        if (!File.Exists(file))
            CreateOwnedFile(file);
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadWriteCreate, Pooling = false, ForeignKeys = true }.ToString());
        try
        {
            await connection.OpenAsync().ConfigureAwait(false);
            await connection.ExecuteAsync($"PRAGMA busy_timeout={BusyMilliseconds}").ConfigureAwait(false);
            // For a file that is new; one that is there keeps its own. Records with content fill pages of 4 KB badly.
            await connection.ExecuteAsync("PRAGMA page_size=8192").ConfigureAwait(false);
            await connection.ExecuteAsync($"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096").ConfigureAwait(false);
            // What erasure removes must not linger in free pages.
            await connection.ExecuteAsync("PRAGMA secure_delete=ON").ConfigureAwait(false);
            await connection.ExecuteAsync("BEGIN EXCLUSIVE").ConfigureAwait(false);
            await Migration.ApplyAsync(connection, dialect, time).ConfigureAwait(false);
            await connection.ExecuteAsync("COMMIT").ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (e is SqliteException)
                throw new StoreException($"The store {file} cannot be opened: {e.Message}", e);
            throw;
        }
    }

    /// <summary>SQLite gives its other files the mode of the first: none of them is for other users.</summary>
    private static void CreateOwnedFile(string file)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            new FileStream(file, options).Dispose();
        }
        catch (IOException) when (File.Exists(file))
        {
            // Another start was first.
        }
    }
}
