using System.Data.Common;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Evidence;
using Demarc.Storage.Journals;
using Demarc.Storage.Projections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Demarc.Storage;

/// <summary>The store in a PostgreSQL database that any number of replicas share.</summary>
internal sealed partial class PostgresStore : Store
{
    /// <summary>The channel on which a replica tells the others that the directory changed.</summary>
    public const string ChangesChannel = "demarc_changes";

    // Advisory locks, arbitrary but for being Demarc's own; ...01 is of whoever migrates.
    private const long ProjectLock = 0x64656d6172630002;
    private const long ExportLock = 0x64656d6172630003;

    // For a connection, in seconds, unless the store's address says otherwise: what waits for one waits for a server that may be gone.
    private const int ConnectTimeout = 5;

    // Bytes. The server sends eight kilobytes at once; with as many here, a large page of activities waits a thousand times.
    private const int ReadBuffer = 64 * 1024;

    private static readonly BulkStatement KeepSalts = BulkStatement.Insert("keys.leaf_salts", SaltColumns, "ON CONFLICT DO NOTHING");

    private readonly NpgsqlDataSource _source;
    private readonly PostgresWriter _writer;
    private readonly RecentDocuments _recent = new();
    private readonly ILogger _log;
    private PostgresWriter? _journalWriter;

    private PostgresStore(NpgsqlDataSource source, MasterKey master, TimeProvider time, ILoggerFactory loggers)
        : base(master, time, loggers)
    {
        _source = source;
        _log = loggers.CreateLogger<PostgresStore>();
        _writer = new PostgresWriter(source, Replica, _recent, time, RaiseAppended);
    }

    // The session that has an advisory lock of this database.
    private const string Holder =
        """
        pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND l.locktype = 'advisory' AND l.granted
          AND l.classid::bigint = @leadLock >> 32 AND l.objid::bigint = @leadLock & 4294967295 AND l.objsubid = 1
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """;

    // A process that stands still keeps its connection, and with it the lock: its session ends once it has not been seen for a minute.
    private const string EndDeadLeader =
        $"""
        SELECT pg_terminate_backend(l.pid) FROM {Holder} JOIN replicas r ON r.id = a.application_name
        WHERE r.seen_at <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 60000
        """;

    // By the database's clock, the one that also writes seen_at.
    internal override bool HasReplicas => true;

    internal override bool HasLateral => true;

    internal override string DeadReplicas =>
        """
        replica <> @self AND NOT EXISTS (
          SELECT 1 FROM replicas r WHERE r.id = replica
          AND r.seen_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 60000)
        """;

    // PostgreSQL keeps statistics.
    internal override string ByIndex(string table, string index) => table;

    internal override string Unfollowed =>
        "watermarks w JOIN records r ON (r.xact, r.sequence) > (w.xact::text::xid8, w.sequence) WHERE w.name = 'records'";

    internal override string TextsOfJson(string parameter) => $"(SELECT json_array_elements_text(@{parameter}::json))";

    // As an array it is looked up by index; thousands in a subquery were compared each with each, as nothing tells the planner of their number.
    internal override string IsAmong(string column, string parameter) => $"{column} = ANY (ARRAY{TextsOfJson(parameter)})";

    internal override string AsBytes(string column) => column;

    internal override string IsPassed => "(r.xact, r.sequence) <= (m.xact::text::xid8, m.sequence)";

    internal override string NumbersOfJson(string parameter) => $"(SELECT json_array_elements_text(@{parameter}::json)::bigint)";

    // As a subquery's the planner does not look at each of them: that, as comparing them with a subquery's rows, takes as long as reading does.
    internal override string IsAmongNumbers(string column, string parameter) => $"{column} = ANY ((SELECT @{parameter})::bigint[])";

    internal override object NumbersValue(long[] numbers) => numbers;

    /// <param name="password">Asked for with each new connection; null where the connection string has it.</param>
    public static async Task<PostgresStore> OpenAtAsync(
        string connectionString, Func<CancellationToken, ValueTask<string>>? password, MasterKey master, TimeProvider time, ILoggerFactory loggers)
    {
        var text = new NpgsqlConnectionStringBuilder(connectionString);
        if (!text.ShouldSerialize("Timeout"))
            text.Timeout = ConnectTimeout;
        if (!text.ShouldSerialize("Read Buffer Size"))
            text.ReadBufferSize = ReadBuffer;
        // Without Npgsql's own logger: it would write every statement.
        var builder = new NpgsqlDataSourceBuilder(text.ConnectionString);
        if (password is not null)
            builder.UsePasswordProvider(_ => throw new NotSupportedException("Connections are opened asynchronously."), (_, stop) => password(stop));
        var source = builder.Build();
        try
        {
            await MigrateAsync(source, time, loggers.CreateLogger<PostgresStore>()).ConfigureAwait(false);
            var store = new PostgresStore(source, master, time, loggers);
            await store.BeatAsync().ConfigureAwait(false);
            return store;
        }
        catch (Exception e)
        {
            await source.DisposeAsync().ConfigureAwait(false);
            if (e is NpgsqlException)
                throw new StoreException(Explain(e, new NpgsqlConnectionStringBuilder(connectionString)), e);
            throw;
        }
    }

    public override async Task UseJournalAsync(string folder)
    {
        Journal journal;
        string name;
        try
        {
            journal = Journal.Open(folder);
            name = Journal.NameOf(folder, Ids.New("replica_journal_", Time));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"The journal {folder} cannot be opened: {e.Message} Each replica needs a folder of its own.", e);
        }
        _journalWriter = new PostgresWriter(_source, name, _recent, Time, RaiseAppended);
        var taken = await FindAsync<long?>("SELECT last_batch FROM replicas WHERE id = @name", new { name }).ConfigureAwait(false) ?? 0;
        var left = journal.Left(taken);
        if (left.Count > 0)
            await TakeAsync([.. left.Select(l => l.Record)], taken = left[^1].Number).ConfigureAwait(false);
        journal.Start(taken);
        RecordJournal = new JournalWriter(journal, TakeAsync, Time, _log, RecordAsync);
    }

    public override Task AppendAsync(EvidenceRecord record) => RecordJournal is { } journal ? journal.AppendAsync(record) : _writer.AppendAsync(record);

    // Without a journal nothing lingers: a batch goes as soon as the one before is durable.
    public override void Hurry() => RecordJournal?.Hurry();

    internal override Task<T> WriteAsync<T>(Func<StoreTransaction, Task<T>> write) => TransactAsync(write, null, CancellationToken.None);

    internal override async Task<T> WriteDerivedAsync<T>(Func<StoreTransaction, Task<T>> write, int? within = null)
    {
        if (within is not { } seconds)
            return await WriteAsync(write).ConfigureAwait(false);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), Time);
        var writing = TransactAsync(write, seconds, patience.Token);
        try
        {
            return await writing.WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            _ = GivenUpAsync(writing);
            throw new StoreException($"The store has said nothing for {seconds} seconds.");
        }
    }

    // Npgsql tells a silent server to stop, and waits for that twice as long again: nobody else does.
    private static async Task GivenUpAsync(Task writing)
    {
        try
        {
            await writing.ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Whoever asked was told already.
        }
    }

    private async Task<T> TransactAsync<T>(Func<StoreTransaction, Task<T>> write, int? within, CancellationToken patience)
    {
        T result;
        PostgresTransactionScope scope;
        var connection = await _source.OpenConnectionAsync(patience).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var transaction = await connection.BeginTransactionAsync(CancellationToken.None).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                // A process that stands still in the middle must not hold its rows for longer than this: others wait for them.
                await connection.ExecuteAsync("SET LOCAL idle_in_transaction_session_timeout = '10s'", commandTimeout: within).ConfigureAwait(false);
                scope = new PostgresTransactionScope(connection, Replica, Time, within);
                result = await write(scope).ConfigureAwait(false);
                // What nobody waits for any more does not come about either.
                await transaction.CommitAsync(patience).ConfigureAwait(false);
            }
        }
        if (scope.Changed)
            Changes.Nudge();
        if (scope.Appended)
            RaiseAppended();
        return result;
    }

    internal override Task<T> WriteKeysAsync<T>(Func<StoreTransaction, Task<T>> write) => WriteAsync(write);

    internal override Task<T[]> QueryKeysAsync<T>(string sql, object? parameters = null) => QueryAsync<T>(sql, parameters);

    internal override string KeyTable(string name) => "keys." + name;

    private async Task TakeAsync(List<EvidenceRecord> records, long last)
    {
        foreach (var late in await _journalWriter!.TakeAsync(records, last).ConfigureAwait(false))
        {
            // Its replica was taken for dead, and the request settled at its bound: what really became of it is on record all the same.
            var id = Ids.From(Ids.Request, late.RequestId);
            CameLate(late.Kind, id);
            await RecordAsync(late.OrganizationId, new ActorRecord("system", Replica), "demarc_record_late", new()
            {
                ["request_id"] = id,
                ["kind"] = late.Kind.ToString().ToLowerInvariant(),
                ["record"] = System.Text.Encoding.UTF8.GetString(late.Body.Span),
            }).ConfigureAwait(false);
        }
    }

    [LoggerMessage(3023, LogLevel.Error, "A {Kind} of {Request} came from the journal after another replica had ended the request; it is an activity of its own")]
    private partial void CameLate(RecordKind kind, string request);

    internal override void ForgetConnections() => _source.Clear();

    internal override async Task<DbConnection> OpenReadAsync() => await _source.OpenConnectionAsync().ConfigureAwait(false);

    internal override async Task<byte[]> KeepContentKeyAsync(string organizationId, string sessionId, string day, byte[] wrapped)
    {
        var place = new { organizationId, sessionId, day, wrapped };
        return await FindAsync<byte[]>(
            """
            INSERT INTO keys.content_keys (organization_id, session_id, day, wrapped)
            VALUES (@organizationId, @sessionId, @day, @wrapped) ON CONFLICT DO NOTHING RETURNING wrapped
            """,
            place).ConfigureAwait(false)
            // A second statement, because the first one's snapshot may not hold the row that was in its way.
            ?? (await FindContentKeyAsync(organizationId, sessionId, day).ConfigureAwait(false))!;
    }

    internal override Task<byte[]?> FindContentKeyAsync(string organizationId, string sessionId, string day) =>
        FindAsync<byte[]>(
            "SELECT wrapped FROM keys.content_keys WHERE organization_id = @organizationId AND session_id = @sessionId AND day = @day",
            new { organizationId, sessionId, day });

    internal override Task<byte[]?> FindLeafSaltsAsync(string organizationId, long number) =>
        FindAsync<byte[]>("SELECT salts FROM keys.leaf_salts WHERE organization_id = @organizationId AND number = @number", new { organizationId, number });

    internal override Task KeepLeafSaltsAsync(string organizationId, long number, byte[][] pages) =>
        WriteAsync(async transaction =>
        {
            await transaction.ExecuteManyAsync(KeepSalts, SaltRows(organizationId, number, pages)).ConfigureAwait(false);
            return true;
        });

    internal override async Task<LogRow[]> ReadLogAsync(LogPlace after, int limit)
    {
        // Bodies of this replica are mostly still in memory. The order names the table's own column: by the text of the
        // selected one no index would serve, and whatever is behind the place would be sorted each time.
        var rows = await QueryAsync<LogRow>(
            """
            SELECT xact::text::bigint AS xact, sequence, organization_id, kind, request_id, session_id, at,
              CASE WHEN replica = @Replica OR replica = @journal THEN ''::bytea ELSE body END AS body, (content IS NOT NULL)::int::bigint AS captured
            FROM records
            WHERE (xact, sequence) > (@Xact::text::xid8, @Sequence) AND xact < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY records.xact, records.sequence LIMIT @limit
            """,
            new { after.Xact, after.Sequence, limit, Replica, journal = _journalWriter?.Replica ?? "" }).ConfigureAwait(false);
        var missing = new Dictionary<long, int>();
        for (var i = 0; i < rows.Length; i++)
        {
            if (rows[i].Body.Length > 0)
                continue;
            if (_recent.Take(new Guid(rows[i].RequestId, bigEndian: true), (RecordKind)rows[i].Kind) is var (document, body))
                rows[i] = rows[i] with { Document = document, Body = body };
            else
                missing.Add(rows[i].Sequence, i);
        }
        if (missing.Count > 0)
        {
            var bodies = await QueryAsync<(long Sequence, byte[] Body)>(
                "SELECT sequence, body FROM records WHERE sequence = ANY(@sequences)", new { sequences = missing.Keys.ToArray() }).ConfigureAwait(false);
            foreach (var (sequence, body) in bodies)
                rows[missing[sequence]] = rows[missing[sequence]] with { Body = body };
        }
        return rows;
    }

    internal override async Task<Lead> LeadAsync(Leadership what, CancellationToken stop)
    {
        var leadLock = LockOf(what);
        var connection = await _source.OpenConnectionAsync(stop).ConfigureAwait(false);
        try
        {
            // Who leads, for others to see whether it still lives; and should the line to it be lost in silence, the server lets go of the lock.
            await connection.ExecuteAsync(
                """
                SELECT set_config('application_name', @Replica, false),
                  set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)
                """,
                new { Replica }).ConfigureAwait(false);
            while (!await connection.ExecuteScalarAsync<bool>("SELECT pg_try_advisory_lock(@leadLock)", new { leadLock }).ConfigureAwait(false))
            {
                // Not the lock that waits: its statement would stay open for hours and hold back the vacuum's horizon.
                await Task.Delay(TimeSpan.FromSeconds(1), Time, stop).ConfigureAwait(false);
                await connection.ExecuteAsync(EndDeadLeader, new { leadLock }).ConfigureAwait(false);
            }
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        return new Lead(connection, async () => await connection.ExecuteScalarAsync<int>("SELECT 1").ConfigureAwait(false) == 1);
    }

    internal override Task<bool> LeadsAsync(Leadership what) =>
        FindAsync<bool>($"SELECT EXISTS (SELECT 1 FROM {Holder} WHERE a.application_name = @Replica)", new { leadLock = LockOf(what), Replica });

    private static long LockOf(Leadership what) => what == Leadership.Projections ? ProjectLock : ExportLock;

    public override async Task<DateTimeOffset?> ClockAsync() =>
        DateTimeOffset.FromUnixTimeMilliseconds(await FindAsync<long>("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").ConfigureAwait(false));

    public override async Task GrantAsync(string role)
    {
        var (name, schema) = (QuotedName(role), QuotedName((await FindAsync<string>("SELECT current_schema()").ConfigureAwait(false))!));
        if (await FindAsync<string>("SELECT rolname FROM pg_roles WHERE rolname = @role", new { role }).ConfigureAwait(false) is null)
            throw new StoreException($"There is no role \"{role}\" to be granted anything: CREATE ROLE {name} LOGIN comes first.");
        await WriteAsync(transaction => transaction.ExecuteAsync(
            $"""
            GRANT USAGE ON SCHEMA {schema}, keys TO {name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}, keys TO {name};
            GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema}, keys TO {name};
            REVOKE INSERT, UPDATE, DELETE ON migrations FROM {name};
            """)).ConfigureAwait(false);
    }

    // A name is no parameter.
    private static string QuotedName(string name) => new NpgsqlCommandBuilder().QuoteIdentifier(name);

    internal override Task BeatAsync() => WriteAsync(transaction => transaction.ExecuteAsync(
        """
        INSERT INTO replicas (id, started_at, seen_at, last_batch)
        SELECT @Replica, now, now, 0 FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
        """,
        new { Replica }));

    internal override async Task ListenAsync(Action changed, CancellationToken stop)
    {
        var connection = await _source.OpenConnectionAsync(stop).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            connection.Notification += (_, _) => changed();
            await connection.ExecuteAsync("LISTEN " + ChangesChannel).ConfigureAwait(false);
            while (true)
                await connection.WaitAsync(stop).ConfigureAwait(false);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (RecordJournal is not null)
            await RecordJournal.DisposeAsync().ConfigureAwait(false);
        if (_journalWriter is not null)
            await _journalWriter.DisposeAsync().ConfigureAwait(false);
        await _writer.DisposeAsync().ConfigureAwait(false);
        await _source.DisposeAsync().ConfigureAwait(false);
    }
}
