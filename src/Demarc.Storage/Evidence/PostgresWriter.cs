using System.Threading.Channels;
using Demarc.Governance.Evidence;
using Npgsql;

namespace Demarc.Storage.Evidence;

/// <summary>
/// Appends to the log in batches, each one statement and one round trip: whatever is queued when the one before is
/// durable. A batch is numbered, and the statement that inserts it raises the replica's last number: after a lost
/// connection it is simply sent again, and counts once.
/// </summary>
internal sealed class PostgresWriter : IAsyncDisposable
{
    private const int MaxBatch = 512;
    private const int MaxBatchBytes = 32 << 20;
    private const int MaxQueued = 8192;
    private const int SplitFrom = 4;
    private static readonly TimeSpan RetryFor = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _source;
    private readonly TimeProvider _time;
    private readonly Action _durable;
    private readonly Channel<AppendJob> _queue =
        Channel.CreateBounded<AppendJob>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });

    private readonly Task _loop;
    private NpgsqlConnection? _connection;
    private NpgsqlCommand? _insert;
    private long _batch;

    /// <param name="replica">By which batches are numbered: this process, or its journal.</param>
    /// <param name="durable">Called after each batch.</param>
    public PostgresWriter(NpgsqlDataSource source, string replica, RecentDocuments recent, TimeProvider time, Action durable)
    {
        _source = source;
        Recent = recent;
        Replica = replica;
        _time = time;
        _durable = durable;
        _loop = LoopAsync();
    }

    /// <summary>What this replica wrote last, for the projector.</summary>
    public RecentDocuments Recent { get; }

    /// <summary>By which batches are numbered.</summary>
    public string Replica { get; }

    public Task AppendAsync(EvidenceRecord record)
    {
        var job = new AppendJob(record);
        return _queue.Writer.TryWrite(job) ? job.Task : QueueAsync(job);
    }

    /// <summary>
    /// Gives the store records that are numbered already, each once however often they are given; the task completes when they are
    /// durable. Not to be mixed with <see cref="AppendAsync"/>.
    /// </summary>
    /// <param name="last">The number of the last; those before it count down from there.</param>
    /// <returns>Those that the log does not take: another record of that kind stands in their place, or PostgreSQL cannot hold them.</returns>
    public async Task<List<EvidenceRecord>> TakeAsync(List<EvidenceRecord> records, long last)
    {
        var batch = records.ConvertAll(record => new AppendJob(record));
        _batch = last - 1;
        try
        {
            var (ours, inserted) = await SendAsync(batch).ConfigureAwait(false);
            List<EvidenceRecord> refused = [];
            // All of an earlier try that succeeded, or all but those that were not ours.
            if (!ours || inserted < batch.Count)
            {
                var kept = await KeptAsync(batch).ConfigureAwait(false);
                refused = batch.FindAll(job => !IsKept(job, kept)).ConvertAll(job => job.Record);
            }
            else
                Recent.Add(batch);
            _durable();
            return refused;
        }
        catch (PostgresException e) when (e.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            if (records.Count == 1)
                return records;
            var half = records.Count / 2;
            var first = await TakeAsync(records.GetRange(0, half), last - records.Count + half).ConfigureAwait(false);
            first.AddRange(await TakeAsync(records.GetRange(half, records.Count - half), last).ConfigureAwait(false));
            return first;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
    }

    private async Task QueueAsync(AppendJob job)
    {
        try
        {
            await _queue.Writer.WriteAsync(job).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new StoreException("The store is closed.");
        }
        await job.Task.ConfigureAwait(false);
    }

    private async Task LoopAsync()
    {
        var batch = new List<AppendJob>(MaxBatch);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            for (var bytes = 0L; batch.Count < MaxBatch && bytes < MaxBatchBytes && _queue.Reader.TryRead(out var job); bytes += job.Record.Bytes)
            {
                if (job.Record.After is { IsRefused: true })
                {
                    Refuse([job], new StoreException("The store refused the request's record before this one."));
                    continue;
                }
                // It may be offered again: what is queued behind it from here on comes after it.
                job.Record.IsRefused = false;
                batch.Add(job);
            }
            if (batch.Count == 0)
                continue;
            await WriteAsync(batch).ConfigureAwait(false);
            _durable();
        }
    }

    private async Task WriteAsync(List<AppendJob> batch)
    {
        try
        {
            var (ours, inserted) = await SendAsync(batch).ConfigureAwait(false);
            if (ours && inserted == batch.Count)
                Durable(batch);
            else
                await TellApartAsync(batch).ConfigureAwait(false);
        }
        catch (PostgresException e) when (batch.Count > 1 && e.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            // One value that PostgreSQL cannot hold: the other callers must not pay for it.
            foreach (var job in batch)
                await WriteAsync([job]).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Refuse(batch, new StoreException("The store refused a write: " + e.Message, e));
        }
    }

    // All of them before anybody is told: what is queued behind must see it.
    private static void Refuse(List<AppendJob> jobs, StoreException failure)
    {
        jobs.ForEach(job => job.Record.IsRefused = true);
        jobs.ForEach(job => job.TrySetException(failure));
    }

    // Told in two work items, not one each: waking a worker costs more than most of what it then does.
    private void Durable(List<AppendJob> jobs)
    {
        Recent.Add(jobs);
        var (all, half) = (jobs.ToArray(), jobs.Count > SplitFrom ? jobs.Count / 2 : jobs.Count);
        Tell(0, half);
        Tell(half, all.Length);

        void Tell(int from, int to)
        {
            if (from == to)
                return;
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                for (var i = from; i < to; i++)
                    all[i].SetResult();
            }, null);
        }
    }

    /// <summary>Sends a batch until it is answered for; <c>Ours</c> is false when an earlier try turns out to have succeeded.</summary>
    private async Task<(bool Ours, int Inserted)> SendAsync(List<AppendJob> batch)
    {
        var number = ++_batch;
        var started = _time.GetTimestamp();
        for (var (tries, pause) = (0, 20); ; (tries, pause) = (tries + 1, Math.Min(pause * 2, 500)))
        {
            try
            {
                var insert = _insert ?? await ConnectAsync().ConfigureAwait(false);
                PostgresInsert.Bind(insert, Replica, number, batch);
                var inserted = await insert.ExecuteNonQueryAsync().ConfigureAwait(false);
                if (inserted > 0)
                    return (true, inserted);
                if (await IsRegisteredAsync().ConfigureAwait(false))
                    return (false, 0);
            }
            catch (NpgsqlException e) when (e.IsTransient || _connection?.FullState.HasFlag(System.Data.ConnectionState.Open) != true)
            {
                await CloseAsync().ConfigureAwait(false);
                // A server that fell silent was waited for already: on a new connection it may answer.
                if (tries > 0 && _time.GetElapsedTime(started) >= RetryFor)
                    throw;
                // Nothing tells when a server that went away takes connections again: asked for ever more seldom.
                await Task.Delay(TimeSpan.FromMilliseconds(pause), _time).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Without its row of <c>replicas</c> (a restored store) a replica's batches would insert nothing.</summary>
    private async Task<bool> IsRegisteredAsync()
    {
        var command = new NpgsqlCommand(
            "INSERT INTO replicas (id, started_at, seen_at, last_batch) VALUES ($1, $2, $2, 0) ON CONFLICT DO NOTHING", _connection)
        {
            Parameters = { new() { Value = Replica }, new() { Value = _time.GetUtcNow().ToUnixTimeMilliseconds() } },
        };
        await using (command.ConfigureAwait(false))
            return await command.ExecuteNonQueryAsync().ConfigureAwait(false) == 0;
    }

    /// <summary>Answers a batch of which not all was inserted: what is there with our own body is durable, the rest was there before.</summary>
    private async Task TellApartAsync(List<AppendJob> batch)
    {
        var kept = await KeptAsync(batch).ConfigureAwait(false);
        foreach (var job in batch)
        {
            if (IsKept(job, kept))
                Durable([job]);
            else
                job.SetException(new AlreadyRecordedException());
        }
    }

    private static bool IsKept(AppendJob job, ILookup<(Guid, long), byte[]> kept) =>
        kept[(job.Record.RequestId, (long)job.Record.Kind)].Any(body => job.Record.Body.Span.SequenceEqual(body));

    /// <summary>What this writer wrote of a batch's requests: bodies by request and kind.</summary>
    private async Task<ILookup<(Guid RequestId, long Kind), byte[]>> KeptAsync(List<AppendJob> batch)
    {
        var command = new NpgsqlCommand("SELECT request_id, kind, body FROM records WHERE request_id = ANY($1) AND replica = $2", _connection)
        {
            Parameters =
            {
                new() { Value = batch.Select(job => job.Record.RequestId.ToByteArray(bigEndian: true)).ToArray() },
                new() { Value = Replica },
            },
        };
        var kept = new List<(Guid RequestId, long Kind, byte[] Body)>();
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
                while (await reader.ReadAsync().ConfigureAwait(false))
                    kept.Add((new Guid(reader.GetFieldValue<byte[]>(0), bigEndian: true), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2)));
        }

        return kept.ToLookup(row => (row.RequestId, row.Kind), row => row.Body);
    }

    private async Task<NpgsqlCommand> ConnectAsync()
    {
        _connection = await _source.OpenConnectionAsync().ConfigureAwait(false);
        var insert = PostgresInsert.Create(_connection);
        insert.CommandTimeout = Store.Soon;
        await insert.PrepareAsync().ConfigureAwait(false);
        return _insert = insert;
    }

    private async Task CloseAsync()
    {
        if (_insert != null)
            await _insert.DisposeAsync().ConfigureAwait(false);
        if (_connection != null)
            await _connection.DisposeAsync().ConfigureAwait(false);
        _insert = null;
        _connection = null;
    }
}
