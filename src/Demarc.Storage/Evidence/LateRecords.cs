using Demarc.Governance.Evidence;
using Microsoft.Extensions.Logging;

namespace Demarc.Storage.Evidence;

/// <summary>
/// Records of requests under way that the store did not take, in memory: offered again each second, each request's in their order,
/// until it does. Without them a request that a provider bills would stand open for as long as its replica lives.
/// </summary>
public sealed partial class LateRecords
{
    // Beyond either, what comes is lost, and its request is settled at its bound once this process has ended.
    private const int MaxRecords = 20_000;
    private const long MaxBytes = 128 << 20;

    private const int AtOnce = 64;
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    private readonly Store _store;
    private readonly ILogger _log;
    private readonly Signal _added;
    private readonly Lock _lock = new();
    private List<EvidenceRecord> _waiting = [];
    private long _bytes;

    internal LateRecords(Store store, ILogger log)
    {
        (_store, _log) = (store, log);
        _added = new Signal(store.Time);
    }

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>Offers them until stopped, and once more then. Run once in a serving process.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                // Nothing tells when a store that was away takes records again.
                if (Count > 0)
                    await Task.Delay(Again, _store.Time, stop).ConfigureAwait(false);
                else
                    await _added.WaitAsync(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Stopping ends the wait and is no failure: what there is has its last chance.
            }
            await OfferAsync().ConfigureAwait(false);
        }
    }

    internal void Add(EvidenceRecord record)
    {
        lock (_lock)
        {
            if (_waiting.Count < MaxRecords && _bytes + record.Bytes <= MaxBytes)
            {
                _waiting.Add(record);
                _bytes += record.Bytes;
                _added.Set();
                return;
            }
        }
        Lost(record.Kind, record.RequestId);
    }

    private async Task OfferAsync()
    {
        List<EvidenceRecord> records;
        lock (_lock)
        {
            (records, _waiting) = (_waiting, []);
            _bytes = 0;
        }
        var (taken, isAway) = (0, false);
        foreach (var requests in records.GroupBy(record => record.RequestId).Chunk(AtOnce))
        {
            // A store that took none of those before takes none of these.
            if (isAway)
            {
                Array.ForEach([.. requests.SelectMany(request => request)], Add);
                continue;
            }
            var some = (await Task.WhenAll(requests.Select(OfferAsync)).ConfigureAwait(false)).Sum();
            (taken, isAway) = (taken + some, some == 0);
        }
        if (taken > 0)
            Taken(taken);
    }

    // A request's in their order; how many of them the log has now.
    private async Task<int> OfferAsync(IGrouping<Guid, EvidenceRecord> request)
    {
        EvidenceRecord[] records = [.. request.OrderBy(record => record.Kind)];
        for (var i = 0; i < records.Length; i++)
        {
            try
            {
                if (await IsKnownAsync(records[i]).ConfigureAwait(false))
                    continue;
                var append = _store.AppendAsync(records[i]);
                _store.Hurry();
                await append.ConfigureAwait(false);
            }
            catch (AlreadyRecordedException)
            {
                // Another replica has ended the request.
            }
            catch (Exception e)
            {
                NotTaken(e);
                foreach (var record in records[i..])
                    Add(record);
                return i;
            }
        }
        return records.Length;
    }

    // A try whose answer was lost may have succeeded; of begin and end the log takes one in any case.
    private async Task<bool> IsKnownAsync(EvidenceRecord record) =>
        record.Kind == RecordKind.Attempt && await _store.FindAsync<long>(
            "SELECT count(*) FROM records WHERE request_id = @id AND kind = 2 AND body = @body",
            new { id = record.RequestId.ToByteArray(bigEndian: true), body = record.Body.ToArray() }).ConfigureAwait(false) > 0;

    [LoggerMessage(3030, LogLevel.Information, "The store has taken {Count} records that it did not take when they came")]
    private partial void Taken(int count);

    [LoggerMessage(3031, LogLevel.Debug, "The store still takes no late records")]
    private partial void NotTaken(Exception e);

    [LoggerMessage(3032, LogLevel.Critical, "Too many records wait for the store: a {Kind} of {Request} is lost, and what it says of spend with it")]
    private partial void Lost(RecordKind kind, Guid request);
}
