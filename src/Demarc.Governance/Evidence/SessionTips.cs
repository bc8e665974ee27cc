using System.Security.Cryptography;

namespace Demarc.Governance.Evidence;

/// <summary>What a request adds to its session: how much of it an earlier request had already, and by which.</summary>
/// <param name="Parent">The earlier request; null when nothing is shared.</param>
/// <param name="Prefix">How many of its leading messages the parent (with its answer) had already.</param>
/// <param name="ParentLength">How many messages the parent (with its answer) had: more than the prefix means that history was rewritten.</param>
/// <param name="SystemIsNew">True when the parent had another system prompt, or there is no parent.</param>
public readonly record struct Continuation(Guid? Parent, int Prefix, int ParentLength, bool SystemIsNew)
{
    /// <summary>Whether some of the prefix is history that no request at hand has: see <see cref="SessionPlace.Withhold"/>.</summary>
    public bool IsWithheld { get; init; }
}

/// <summary>
/// The newest requests of live sessions, as message identities only, so that a request stores no more than is new, and a
/// message is sealed once, under the key of the day on which it was first captured: it expires with that.
/// One that this process does not have (after a start, or another replica captured it) is read from the store: <see cref="Restore"/>.
/// </summary>
public sealed class SessionTips(int maxSessions = SessionTips.DefaultMaxSessions)
{
    private const int DefaultMaxSessions = 10_000;

    // Claude Code runs side conversations (titles, subagents) beside the main one; each wants its own tip.
    private const int TipsPerSession = 8;

    // Forgetting costs storage here too.
    private const int MaxAttachments = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _sessions = [];
    private readonly LinkedList<Entry> _byUse = new();

    private sealed class Entry(string session)
    {
        public string Session { get; } = session;

        // Known to this process alone, so that days whose keys differ compare.
        public ContentKey Names { get; } = new(RandomNumberGenerator.GetBytes(ContentKey.Size));

        public List<SessionTip> Tips { get; } = new(TipsPerSession);

        // By the names of this process, with those that they are stored under.
        public Dictionary<UInt128, UInt128> Attachments { get; } = [];

        public long? ReadTo { get; set; }
    }

    /// <summary>The name under which an earlier request of the session stored an attachment; null when none did.</summary>
    public UInt128? StoredAttachment(string session, UInt128 name)
    {
        lock (_lock)
            return _sessions.TryGetValue(session, out var node) && node.Value.Attachments.TryGetValue(name, out var stored) ? stored : null;
    }

    /// <summary>The last request of the session, by <see cref="CapturedRequest.Begun"/>, that was read from the store; null when it never was.</summary>
    public long? ReadTo(string session)
    {
        lock (_lock)
            return _sessions.TryGetValue(session, out var node) ? node.Value.ReadTo : null;
    }

    /// <summary>Takes over what the store has of a session, beside what this process captured.</summary>
    public void Restore(string session, SessionHistory read)
    {
        lock (_lock)
        {
            var entry = Use(session);
            // Forgotten meanwhile, and begun anew under other names: it is read again.
            if (entry.Names != read.Names)
                return;
            entry.Tips.InsertRange(0, read.Tips.Where(tip => !entry.Tips.Exists(own => own.Request == tip.Request)));
            entry.Tips.RemoveRange(0, Math.Max(0, entry.Tips.Count - TipsPerSession));
            foreach (var (name, stored) in read.Attachments)
                entry.Attachments[name] = stored;
            entry.ReadTo = Math.Max(entry.ReadTo ?? 0, read.Last);
        }
    }

    /// <summary>The session has these from now on; only once the record that holds them is durable.</summary>
    public void Attached(string session, IReadOnlyList<UInt128> names)
    {
        lock (_lock)
        {
            var known = Use(session).Attachments;
            if (known.Count > MaxAttachments)
                known.Clear();
            foreach (var name in names)
                known[name] = name;
        }
    }

    /// <summary>The key under which messages of a session are told apart here. It leaves this process with nothing.</summary>
    public ContentKey NamesOf(string session)
    {
        lock (_lock)
            return Use(session).Names;
    }

    /// <summary>The tip that shares the most with a request.</summary>
    public Continuation Find(string session, UInt128 system, ReadOnlySpan<UInt128> messages)
    {
        lock (_lock)
        {
            SessionTip? best = null;
            var prefix = 0;
            if (_sessions.TryGetValue(session, out var node))
            {
                foreach (var tip in node.Value.Tips)
                {
                    var shared = tip.Shared(messages);
                    if (shared > prefix || (shared == prefix && shared > 0 && tip.System == system))
                        (best, prefix) = (tip, shared);
                }
            }
            return best is null
                ? new Continuation(null, 0, 0, true)
                : new Continuation(best.Request, prefix, best.Messages.Length, best.System != system);
        }
    }

    /// <summary>Remembers a finished, captured request with its answer; it takes the place of its parent.</summary>
    public void Remember(string session, Guid? parent, Guid request, UInt128 system, UInt128[] messages)
    {
        lock (_lock)
        {
            var tips = Use(session).Tips;
            tips.RemoveAll(t => t.Request == parent);
            if (tips.Count == TipsPerSession)
                tips.RemoveAt(0);
            tips.Add(new SessionTip(request, system, messages));
        }
    }

    private Entry Use(string session)
    {
        if (_sessions.TryGetValue(session, out var node))
            _byUse.Remove(node);
        else
        {
            _sessions.Add(session, node = new LinkedListNode<Entry>(new Entry(session)));
            if (_sessions.Count > maxSessions && _byUse.First is { } oldest)
            {
                _byUse.Remove(oldest);
                _sessions.Remove(oldest.Value.Session);
            }
        }
        _byUse.AddLast(node);
        return node.Value;
    }
}
