using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence;

/// <summary>
/// What this replica wrote to a PostgreSQL log last, by request and kind, for the projector: a body that is here need not
/// be read back and parsed. Bounded; what fell out is read from the log.
/// </summary>
internal sealed class RecentDocuments
{
    private const int Capacity = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(Guid Request, RecordKind Kind), (object Document, byte[] Body)> _documents = [];
    private readonly Queue<(Guid Request, RecordKind Kind)> _order = new();

    /// <summary>Adds what has become durable. A request may have several attempts: those are read back.</summary>
    public void Add(List<AppendJob> jobs)
    {
        lock (_lock)
        {
            foreach (var record in jobs.Select(job => job.Record))
            {
                if (record.Document is not { } document || record.Kind == RecordKind.Attempt)
                    continue;
                if (_documents.TryAdd((record.RequestId, record.Kind), (document, PostgresInsert.Array(record.Body))))
                    _order.Enqueue((record.RequestId, record.Kind));
                if (_order.Count > Capacity)
                    _documents.Remove(_order.Dequeue());
            }
        }
    }

    /// <summary>Takes a document and its bytes out; null when it is not here.</summary>
    public (object Document, byte[] Body)? Take(Guid request, RecordKind kind)
    {
        lock (_lock)
            return _documents.Remove((request, kind), out var found) ? found : null;
    }
}
