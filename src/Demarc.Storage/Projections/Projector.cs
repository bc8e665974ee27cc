using Demarc.Storage.Evidence;
using Demarc.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Demarc.Storage.Projections;

/// <summary>
/// Follows the log above its watermark and writes what is derived from it: activities, sessions, the ledger, totals of
/// spend, which requests are open, and the evidence trees. One process leads; each batch and its watermark are one
/// transaction, so what is derived is derived once.
/// </summary>
public sealed partial class Projector
{
    // Long enough that a busy log is followed in batches, short enough that few records outlive the collections in between: with 150 ms
    // each collection moves all of the log that waits, which took a tenth of the requests.
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(50);
    // Rows of the log in one transaction: what a busy gateway gathers, so that sums and edges are written once.
    private const int Batch = 4000;

    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan OrphansEvery = TimeSpan.FromSeconds(5);

    private readonly Store _store;
    private readonly ILogger _log;
    private volatile bool _leads;
    private readonly Signal _appended;
    private readonly OpenRequests _open;
    private readonly Leaves _leaves;
    private readonly DeadLeases _leases;
    private readonly SeenTurns _turns;
    private Lead? _claimed;

    internal Projector(Store store, ILogger log)
    {
        _store = store;
        _log = log;
        _appended = new Signal(store.Time);
        _open = new OpenRequests(store);
        _leaves = new Leaves(store);
        _leases = new DeadLeases(store);
        _turns = new SeenTurns(store);
        store.Appended += _appended.Set;
    }

    /// <summary>Whether this process is the one that projects: what one replica does for all, it does.</summary>
    public bool Leads => _leads;

    /// <summary>Asks the store whether it is, as one that stood still for a minute was replaced and has not noticed.</summary>
    /// <exception cref="StoreException">Another process leads, or none.</exception>
    public async Task ConfirmLeadAsync()
    {
        if (!_leads || !await _store.LeadsAsync(Leadership.Projections).ConfigureAwait(false))
            throw new StoreException("This process does not lead any more: whichever does goes on.");
    }

    /// <summary>Takes the lead where one process alone may serve, so that a second one fails at its start; to be followed by <see cref="RunAsync"/>.</summary>
    /// <exception cref="StoreException">On SQLite, another process serves from the file.</exception>
    public async Task ClaimAsync(CancellationToken stop)
    {
        if (!_store.HasReplicas)
            _claimed = await _store.LeadAsync(Leadership.Projections, stop).ConfigureAwait(false);
    }

    /// <summary>
    /// Follows until stopped, whenever this process leads. Run once in a serving process. Where one process alone may serve, it keeps the lead
    /// to its end, also while the log cannot be followed.
    /// </summary>
    /// <exception cref="StoreException">On SQLite, another process serves from the file.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var beating = BeatAsync(over.Token);
        try
        {
            while (true)
            {
                await LeadOnceAsync(stop).ConfigureAwait(false);
                // After the loss of the lead or an error of the store: whatever it was, asking at once would meet it again.
                await Task.Delay(Idle, _store.Time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopping is no failure.
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await beating.ConfigureAwait(false);
            if (Interlocked.Exchange(ref _claimed, null) is { } lead)
                await lead.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Waits until all that the log holds now is projected; does it itself where no process leads.
    /// </summary>
    /// <exception cref="StoreException">The leading process has not come so far within ten seconds.</exception>
    public async Task FollowAsync(CancellationToken stop)
    {
        var end = await _store.FindAsync<long?>("SELECT max(sequence) FROM records").ConfigureAwait(false) ?? 0;
        var started = _store.Time.GetTimestamp();
        while (await _store.FindAsync<long?>($"SELECT r.sequence FROM {_store.Unfollowed} AND r.sequence <= @end LIMIT 1", new { end }).ConfigureAwait(false) is not null)
        {
            if (!await TryCatchUpAsync(stop).ConfigureAwait(false) && _store.Time.GetElapsedTime(started) > TimeSpan.FromSeconds(10))
                throw new StoreException("The log has not been followed for ten seconds: start a gateway on this store, or look for what its log says.");
            // Another process follows: only the watermark says how far.
            await Task.Delay(TimeSpan.FromMilliseconds(50), _store.Time, stop).ConfigureAwait(false);
        }
    }

    /// <summary>False when another process leads.</summary>
    private async Task<bool> TryCatchUpAsync(CancellationToken stop)
    {
        if (_leads)
            return false;
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(stop);
        soon.CancelAfter(TimeSpan.FromMilliseconds(200));
        try
        {
            var lead = await _store.LeadAsync(Leadership.Projections, soon.Token).ConfigureAwait(false);
            await using (lead.ConfigureAwait(false))
            {
                while (await CatchUpAsync().ConfigureAwait(false) > 0)
                {
                    // On PostgreSQL a batch ends where the transactions that run begin.
                }
            }
            return true;
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Projects what the log holds now; the number of rows.</summary>
    internal async Task<int> CatchUpAsync()
    {
        var total = 0;
        while (true)
        {
            var mark = (await _store.FindAsync<Watermark>(Watermark.Select, new { name = "records" }).ConfigureAwait(false))!;
            await GrowTreesAsync(mark.Place).ConfigureAwait(false);
            var rows = await _store.ReadLogAsync(mark.Place, Batch).ConfigureAwait(false);
            if (rows.Length == 0)
                return total;
            var projection = await Projection.OfAsync(rows, mark, _open, _turns).ConfigureAwait(false);
            var leaves = await _leaves.OfAsync(rows).ConfigureAwait(false);
            await WriteAsync(projection, leaves).ConfigureAwait(false);
            _open.Keep(projection);
            _turns.Keep(projection.Turns);
            foreach (var sequence in projection.Unreadable)
                Unreadable(sequence);
            total += rows.Length;
            // What came meanwhile is gathered for the next batch: rows in small batches cost several times as much.
            if (rows.Length < Batch)
                return total;
        }
    }

    /// <summary>Finishes what dead replicas left open; the number of requests.</summary>
    internal async Task<int> SettleOrphansAsync() => await SettleOrphansAsync(await _leases.EndAsync().ConfigureAwait(false)).ConfigureAwait(false);

    private Task<int> SettleOrphansAsync(DeadLease[] ended) => Orphans.SettleAsync(_store, _open, ended);

    private async Task WriteAsync(Projection? projection, LeafBatch leaves)
    {
        try
        {
            await _store.WriteDerivedAsync(async transaction =>
            {
                if (projection is not null)
                    await projection.WriteAsync(transaction).ConfigureAwait(false);
                return await leaves.WriteAsync(transaction).ConfigureAwait(false);
            }).ConfigureAwait(false);
            _leaves.Keep(leaves);
        }
        catch
        {
            _leaves.Clear();
            throw;
        }
    }

    // Both go on together; the trees are behind only on a store that is older than they are.
    private async Task GrowTreesAsync(LogPlace until)
    {
        while ((await _leaves.PlaceAsync().ConfigureAwait(false)) is var place && place.CompareTo(until) < 0)
        {
            var rows = await _store.ReadLogAsync(place, Batch).ConfigureAwait(false);
            rows = Array.FindAll(rows, row => row.Place.CompareTo(until) <= 0);
            if (rows.Length == 0)
                return;
            await WriteAsync(null, await _leaves.OfAsync(rows).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private async Task LeadOnceAsync(CancellationToken stop)
    {
        try
        {
            var lead = Interlocked.Exchange(ref _claimed, null) ?? await _store.LeadAsync(Leadership.Projections, stop).ConfigureAwait(false);
            try
            {
                await LeadAsync(lead, stop).ConfigureAwait(false);
            }
            finally
            {
                // Of a file that one process alone may serve from, whatever fails: a command that follows the log would be taken for another gateway.
                if (_store.HasReplicas)
                    await lead.DisposeAsync().ConfigureAwait(false);
                else
                    _claimed = lead;
            }
        }
        catch (Exception e) when (e is not StoreException && !stop.IsCancellationRequested)
        {
            // The store is away: who leads is asked again when it is back.
            NotProjected(e);
        }
    }

    private async Task LeadAsync(Lead lead, CancellationToken stop)
    {
        var settled = _store.Time.GetTimestamp() - _store.Time.TimestampFrequency * (long)OrphansEvery.TotalSeconds;
        try
        {
            while (await lead.HoldsAsync().ConfigureAwait(false))
            {
                _leads = true;
                await CatchUpAsync().ConfigureAwait(false);
                if (_store.Time.GetElapsedTime(settled) >= OrphansEvery)
                {
                    settled = _store.Time.GetTimestamp();
                    var ended = await _leases.EndAsync().ConfigureAwait(false);
                    if (await SettleOrphansAsync(ended).ConfigureAwait(false) is > 0 and var count)
                        Settled(count);
                    await _leases.FreeAsync(ended).ConfigureAwait(false);
                }
                await _appended.WaitAsync(Idle, stop).ConfigureAwait(false);
                // On purpose, though there is something to do: what comes meanwhile is projected with it, at a fraction of the cost.
                await Task.Delay(Gather, _store.Time, stop).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            _open.Clear();
            _leaves.Clear();
            _turns.Clear();
            NotProjected(e);
        }
        finally
        {
            _leads = false;
        }
    }

    private async Task BeatAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _store.BeatAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                NotBeating(e);
            }
            // A sign of life is one by its rhythm. Stopping ends the wait and is no failure.
            await Task.Delay(TimeSpan.FromSeconds(1), _store.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(3010, LogLevel.Error, "The log could not be followed; trying again")]
    private partial void NotProjected(Exception e);

    [LoggerMessage(3013, LogLevel.Critical, "Row {Sequence} of the log cannot be read: it is on record, but in no session and no total")]
    private partial void Unreadable(long sequence);

    [LoggerMessage(3011, LogLevel.Error, "This replica's heartbeat could not be written; after a minute others settle its requests")]
    private partial void NotBeating(Exception e);

    [LoggerMessage(3012, LogLevel.Warning, "{Count} requests of replicas that are gone were finished as interrupted, at what was reserved for them")]
    private partial void Settled(int count);
}
