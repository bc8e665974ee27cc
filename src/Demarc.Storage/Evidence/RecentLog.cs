using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence;

/// <summary>
/// The rows this process wrote to a SQLite log last, for the projector that follows them: what is here need not be read
/// back and parsed. Bounded; a row that is missing (another process wrote it, or it fell out) is read from the file.
/// </summary>
internal sealed class RecentLog
{
    private const int Capacity = 20_000;

    private readonly Lock _lock = new();
    private readonly Queue<LogRow> _rows = new();

    public static LogRow Row(EvidenceRecord record, long sequence) => new()
    {
        Xact = 0,
        Sequence = sequence,
        OrganizationId = record.OrganizationId,
        Kind = (long)record.Kind,
        RequestId = record.RequestId.ToByteArray(bigEndian: true),
        SessionId = record.SessionId,
        At = record.At,
        Body = PostgresInsert.Array(record.Body),
        Document = record.Document,
        Captured = record.Content.IsEmpty ? 0 : 1,
    };

    /// <summary>Adds rows that have become durable, in order.</summary>
    public void Add(List<LogRow> rows)
    {
        lock (_lock)
        {
            foreach (var row in rows)
                _rows.Enqueue(row);
            while (_rows.Count > Capacity)
                _rows.Dequeue();
        }
    }

    /// <summary>The rows right after a place, without a gap, and forgets those before; empty when the next one is not here.</summary>
    public LogRow[] Take(long after, int limit)
    {
        lock (_lock)
        {
            while (_rows.TryPeek(out var row) && row.Sequence <= after)
                _rows.Dequeue();
            var taken = new List<LogRow>(Math.Min(limit, _rows.Count));
            foreach (var row in _rows)
            {
                if (taken.Count == limit || row.Sequence != after + taken.Count + 1)
                    break;
                taken.Add(row);
            }
            return [.. taken];
        }
    }
}
