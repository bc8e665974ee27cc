using Demarc.Governance.Wire;

namespace Demarc.Governance.Evidence;

/// <summary>Where a request stands in its session: its messages by name, and what of them was captured with an earlier request.</summary>
public sealed class SessionPlace
{
    private readonly int _asserted;

    /// <param name="body">The request's; not kept.</param>
    public SessionPlace(SessionTips tips, string session, ReadOnlySpan<byte> body, RequestFacts facts)
    {
        Names = tips.NamesOf(session);
        System = facts.System.IsEmpty ? default : MessageIdentity.Of(Names, facts.System.Of(body));
        // One place more: the answer joins the request's own messages at the end.
        Messages = new UInt128[facts.Messages.Count + 1];
        for (var i = 0; i < facts.Messages.Count; i++)
            Messages[i] = MessageIdentity.Of(Names, facts.Messages[i].Of(body));
        Continuation = tips.Find(session, System, Messages.AsSpan(0, facts.Messages.Count));
        _asserted = facts.Messages.Count;
        while (_asserted > Continuation.Prefix && !CapturedContent.IsAssistant(facts.Messages[_asserted - 1].Of(body)))
            _asserted--;
    }

    /// <summary>The key of the names, known to this process alone.</summary>
    public ContentKey Names { get; }

    public UInt128 System { get; }

    /// <summary>The request's messages, and a place for its answer.</summary>
    public UInt128[] Messages { get; }

    public Continuation Continuation { get; private set; }

    /// <summary>
    /// Whether the request repeats an answer that this process does not know: another one may have captured it, which the store can tell.
    /// </summary>
    public bool HasUnknownHistory => _asserted > Continuation.Prefix;

    /// <summary>
    /// Counts unknown history as captured before: in a session of which something has been erased it may be just that, and
    /// would be sealed again under a later day's key.
    /// </summary>
    public void Withhold()
    {
        if (HasUnknownHistory)
            Continuation = Continuation with { Prefix = _asserted, ParentLength = Math.Max(_asserted, Continuation.ParentLength), IsWithheld = true };
    }
}
