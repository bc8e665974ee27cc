namespace Demarc.Governance.Evidence;

/// <summary>What a request adds to its session: how much of it an earlier request had already, and by which.</summary>
/// <param name="Parent">The earlier request; null when nothing is shared.</param>
/// <param name="Prefix">How many of its leading messages the parent (with its answer) had already.</param>
/// <param name="ParentLength">How many messages the parent (with its answer) had: more than the prefix means that history was rewritten.</param>
/// <param name="SystemIsNew">True when the parent had another system prompt, or there is no parent.</param>
public readonly record struct Continuation(Guid? Parent, int Prefix, int ParentLength, bool SystemIsNew);

/// <summary>
/// The newest requests of live sessions, as message identities only, so that a request stores no more than is new.
/// Forgetting one (bounded memory, another replica, a new day's key) costs storage, never correctness.
/// </summary>
public sealed class SessionTips(int maxSessions = SessionTips.DefaultMaxSessions)
{
    private const int DefaultMaxSessions = 10_000;

    // Claude Code runs side conversations (titles, subagents) beside the main one; each wants its own tip.
    private const int TipsPerSession = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Session, DateOnly Day), LinkedListNode<Entry>> _sessions = [];
    private readonly LinkedList<Entry> _byUse = new();

    private sealed record Tip(Guid Request, UInt128 System, UInt128[] Messages);

    private sealed class Entry((string, DateOnly) key)
    {
        public (string Session, DateOnly Day) Key { get; } = key;

        public List<Tip> Tips { get; } = new(TipsPerSession);
    }

    /// <summary>The tip that shares the most with a request.</summary>
    public Continuation Find(string session, DateOnly day, UInt128 system, ReadOnlySpan<UInt128> messages)
    {
        lock (_lock)
        {
            Tip? best = null;
            var prefix = 0;
            if (_sessions.TryGetValue((session, day), out var node))
            {
                foreach (var tip in node.Value.Tips)
                {
                    var shared = messages.CommonPrefixLength(tip.Messages);
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
    public void Remember(string session, DateOnly day, Guid? parent, Guid request, UInt128 system, UInt128[] messages)
    {
        lock (_lock)
        {
            if (!_sessions.TryGetValue((session, day), out var node))
            {
                node = new LinkedListNode<Entry>(new Entry((session, day)));
                _sessions.Add((session, day), node);
                if (_sessions.Count > maxSessions && _byUse.First is { } oldest)
                {
                    _byUse.Remove(oldest);
                    _sessions.Remove(oldest.Value.Key);
                }
            }
            else
            {
                _byUse.Remove(node);
            }
            _byUse.AddLast(node);

            var tips = node.Value.Tips;
            tips.RemoveAll(t => t.Request == parent);
            if (tips.Count == TipsPerSession)
                tips.RemoveAt(0);
            tips.Add(new Tip(request, system, messages));
        }
    }
}
