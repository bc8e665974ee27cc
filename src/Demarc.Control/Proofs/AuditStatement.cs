using Demarc.Governance.Evidence;

namespace Demarc.Control.Proofs;

/// <summary>What a bundle has, and what it cannot have: gathered while the records are written.</summary>
internal sealed class AuditStatement
{
    /// <summary>Without a record for longer than this, a span is named: an hour.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromHours(1);

    private readonly List<object> _silences = [];
    private readonly SortedDictionary<string, long> _captures = new(StringComparer.Ordinal);
    private readonly HashSet<Guid> _open = [];
    private readonly List<object> _journalWindows = [];
    private long? _last;

    public long Records { get; private set; }

    public long Erased { get; set; }

    public long Missing { get; set; }

    public long Requests { get; private set; }

    public long Refused { get; set; }

    public void Begun(Guid id, string capture)
    {
        Requests++;
        _open.Add(id);
        _captures[capture] = _captures.GetValueOrDefault(capture) + 1;
    }

    public void Finished(Guid id) => _open.Remove(id);

    public void Record(long at)
    {
        Records++;
        if (_last is { } last && at - last > Silence.TotalMilliseconds)
            _silences.Add(new { From = AdminApi.Rfc3339.Text(last), To = AdminApi.Rfc3339.Text(at) });
        _last = Math.Max(_last ?? at, at);
    }

    /// <summary>A span in which the store took nothing, as its event names it.</summary>
    public void JournalWindow(EventRecord caughtUp) => _journalWindows.Add(new
    {
        Replica = caughtUp.Actor.Id,
        From = caughtUp.Fields.GetValueOrDefault("from"),
        To = caughtUp.Fields.GetValueOrDefault("to"),
        Records = caughtUp.Fields.GetValueOrDefault("records"),
    });

    /// <param name="later">Records of the log that its tree did not have yet.</param>
    public object ToJson(string from, string to, long later) => new
    {
        From = from,
        To = to,
        Records,
        Erased,
        Missing,
        Requests = new { Begun = Requests, Refused, NotFinishedInThisSpan = _open.Count },
        RequestsByCapture = _captures,
        SpansWithoutRecords = _silences,
        JournalWindows = _journalWindows,
        RecordsNotYetInTheTree = later,
        Notes = new[]
        {
            "Records are all those from the first to the last leaf made in this span; some of them may be a little older or younger than it.",
            "Spans without any record for more than an hour are named: nobody asked, or nothing ran.",
            "While the store takes nothing, requests are refused, or, where a replica keeps a journal, answered: their records wait there, and the log has them later than they were made. journal_windows are those spans, each named by the replica itself once the store had all of it; of a replica that ended meanwhile none is named, and its records are in the log from its next start on.",
            "Content is on record for requests under capture full alone, and is no part of this bundle: the record of a request's end holds the SHA-256 of what was sealed.",
            "Under capture none a request leaves its record without content, and its session is listed nowhere.",
            "What did not pass Demarc is not here: compare the provider's own usage and billing with the totals of this bundle to find what went past it.",
        },
    };
}
