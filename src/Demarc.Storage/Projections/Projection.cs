using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage.Evidence;

namespace Demarc.Storage.Projections;

/// <summary>What a batch of the log's rows means for the derived tables: computed first, written in one short transaction.</summary>
internal sealed class Projection
{
    private readonly Watermark _from;
    private readonly Dictionary<Guid, OpenRequest> _open;
    private readonly Dictionary<Guid, OpenRequest> _opened = [];
    private readonly HashSet<Guid> _closed = [];
    private readonly List<object?[]> _activities = [];
    private readonly Dictionary<(string Organization, long Second), long> _seconds = [];
    private readonly Dictionary<(string Session, long Begun), object?[]> _sessionRequests = [];
    private readonly Dictionary<string, SessionRow> _sessions = [];
    private readonly SpendRows _spend = new();
    private readonly BudgetRows _budgets = new();
    private LogPlace _to;
    private long _position;
    private long _orderedAt;
    private long _lateness;

    private Projection(Watermark from, Dictionary<Guid, OpenRequest> open)
    {
        _from = from;
        _open = open;
        _position = from.Position;
        _orderedAt = from.OrderedAt;
        _lateness = from.Lateness;
    }

    /// <summary>Requests begun, or gone on to another attempt, and not finished in this batch.</summary>
    public IEnumerable<OpenRequest> Opened => _opened.Values;

    /// <summary>Requests finished in this batch.</summary>
    public IEnumerable<Guid> Closed => _closed;

    /// <summary>Sequences of rows whose body is not what their kind says.</summary>
    public List<long> Unreadable { get; } = [];

    /// <summary>The turns that settled requests of this batch belong to.</summary>
    public IEnumerable<string> Turns => _spend.Turns;

    public static async Task<Projection> OfAsync(LogRow[] rows, Watermark from, OpenRequests open, SeenTurns turns)
    {
        var begunHere = rows.Where(row => row.Kind == (long)RecordKind.Begun).Select(Id).ToHashSet();
        var earlier = rows
            .Where(row => row.Kind is (long)RecordKind.Attempt or (long)RecordKind.Finished)
            .Select(Id).Where(id => !begunHere.Contains(id)).Distinct();
        var projection = new Projection(from, await open.FindAsync(earlier).ConfigureAwait(false));
        // What was erased before the derived tables were built again is a leaf, and nothing else.
        foreach (var row in rows.Where(row => row.Document is not null || ErasedRecord.Commitment(row.Body) is null))
        {
            try
            {
                projection.Add(row);
            }
            catch (JsonException)
            {
                projection.Report(row);
            }
        }
        projection._to = rows[^1].Place;
        projection._spend.Complete(await turns.AmongAsync(projection.Turns).ConfigureAwait(false));
        return projection;
    }

    public async Task<int> WriteAsync(StoreTransaction transaction)
    {
        var to = new Watermark { Xact = _to.Xact, Sequence = _to.Sequence, Position = _position, OrderedAt = _orderedAt, Lateness = _lateness };
        await _from.MoveAsync(transaction, "records", to).ConfigureAwait(false);

        await transaction.ExecuteManyAsync(Tables.Activities, _activities).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(
            Tables.ActivitySeconds,
            [.. _seconds.Select(s => new object?[] { s.Key.Organization, s.Key.Second, s.Value })]).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(Tables.Sessions, [.. _sessions.Values.Select(s => s.Columns)]).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(Tables.SessionRequests, [.. _sessionRequests.Values]).ConfigureAwait(false);
        await _spend.WriteAsync(transaction).ConfigureAwait(false);
        await _budgets.WriteAsync(transaction).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(
            Tables.Opened,
            [.. _opened.Values.Select(r => new object?[] { r.OrganizationId, Bytes(r.Id), r.Sequence, r.Begun.Replica })]).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(
            Tables.Closed,
            [.. _closed.Where(_open.ContainsKey).Select(id => new object?[] { Bytes(id) })]).ConfigureAwait(false);
        return 0;
    }

    private void Add(LogRow row)
    {
        switch ((RecordKind)row.Kind)
        {
            case RecordKind.Begun:
                Begin(row, row.Document as BegunRecord ?? JsonSerializer.Deserialize(row.Body, RecordJson.Default.BegunRecord)!);
                break;
            case RecordKind.Attempt:
                Retry(row, row.Document as AttemptRecord ?? JsonSerializer.Deserialize(row.Body, RecordJson.Default.AttemptRecord)!);
                break;
            case RecordKind.Finished:
                Finish(row, row.Document as FinishedRecord ?? JsonSerializer.Deserialize(row.Body, RecordJson.Default.FinishedRecord)!);
                break;
            case RecordKind.Event:
                var e = row.Document as EventRecord ?? JsonSerializer.Deserialize(row.Body, RecordJson.Default.EventRecord)!;
                Act(row, e.Type, e.Actor.Id, null);
                break;
        }
    }

    /// <summary>One row that cannot be read must not hold up all that follow: it is an activity of its own, and no row of the ledger.</summary>
    private void Report(LogRow row)
    {
        Unreadable.Add(row.Sequence);
        Act(row, "demarc_record_unreadable", "", null);
    }

    private void Begin(LogRow row, BegunRecord begun)
    {
        var request = new OpenRequest(Id(row), row.OrganizationId, row.SessionId, row.Sequence, begun, [begun.Attempt]);
        _opened[request.Id] = request;
        if (!InSession(request))
            return;
        if (!_sessions.TryGetValue(row.SessionId!, out var session))
            _sessions[row.SessionId!] = session = new SessionRow(request, row.At);
        session.Add(row.At);
        List(request, null, false);
    }

    private void Retry(LogRow row, AttemptRecord attempt)
    {
        // One read back from the log has its later attempts already.
        if (Find(Id(row)) is { } request && !request.Attempts.Any(a => a.Number == attempt.Number))
            _opened[request.Id] = request with { Attempts = [.. request.Attempts, attempt] };
    }

    private void Finish(LogRow row, FinishedRecord finished)
    {
        var id = Id(row);
        _closed.Add(id);
        if (Find(id) is not { } request)
        {
            // Its beginning was erased, or never durable: the end is on record all the same.
            Act(row, "demarc_inference", "", null);
            return;
        }
        _opened.Remove(id);
        Act(row, request.Begun.Operation == "count_tokens" ? "demarc_token_count" : "demarc_inference", request.Begun.Actor.Id, request.Sequence);
        if (InSession(request))
            List(request, row.Sequence, row.Captured != 0);
        var answered = request.Attempt(finished.Attempt);
        foreach (var attempt in request.Attempts)
        {
            var settled = attempt == answered ? finished : Lost(request, attempt);
            _spend.Add(row, request, attempt, settled, isRequest: attempt == answered);
            if (settled is not null)
                _budgets.Add(row.OrganizationId, request.Begun.Replica, attempt, settled);
        }
    }

    // The attempts before the one that answered came to nothing, but for those that may have been billed.
    private static FinishedRecord? Lost(OpenRequest request, AttemptRecord attempt) =>
        Array.Find(request.Attempts, a => a.Number == attempt.Number + 1)?.AfterNanoUsd is { } bound
            ? new FinishedRecord { Id = request.Begun.Id, Result = "upstream_lost", Attempt = attempt.Number, CostNanoUsd = bound, Incomplete = true }
            : null;

    private void Act(LogRow row, string type, string actorId, long? begun)
    {
        _orderedAt = Math.Max(_orderedAt, row.At);
        _lateness = Math.Max(_lateness, _orderedAt - row.At);
        _activities.Add([row.OrganizationId, ++_position, row.RequestId, type, actorId, row.SessionId, row.At, begun, row.Sequence]);
        _seconds.TryAdd((row.OrganizationId, _orderedAt / 1000), _position);
    }

    private void List(OpenRequest request, long? finished, bool captured) =>
        _sessionRequests[(request.SessionId!, request.Sequence)] =
            [request.OrganizationId, request.SessionId, request.Sequence, finished, Bytes(request.Id), captured ? 1L : 0L];

    // Counting tokens is no part of a conversation, and what leaves no trace is listed nowhere.
    private static bool InSession(OpenRequest request) =>
        request.SessionId != null && request.Begun.Operation != "count_tokens" && request.Begun.Capture != "none";

    private OpenRequest? Find(Guid id) => _opened.GetValueOrDefault(id) ?? _open.GetValueOrDefault(id);

    private static Guid Id(LogRow row) => new(row.RequestId, bigEndian: true);

    private static byte[] Bytes(Guid id) => id.ToByteArray(bigEndian: true);

    private sealed class SessionRow(OpenRequest first, long createdAt)
    {
        private long _lastAt;
        private long _requests;

        public object?[] Columns =>
        [
            first.SessionId, first.OrganizationId, first.Begun.ClientSession, first.Begun.Actor.Type, first.Begun.Actor.Id,
            first.Begun.Surface, createdAt, _lastAt, _requests,
        ];

        public void Add(long at)
        {
            _lastAt = Math.Max(_lastAt, at);
            _requests++;
        }
    }
}
