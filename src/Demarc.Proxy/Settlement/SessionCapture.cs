using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Governance.Wire;

namespace Demarc.Proxy.Settlement;

/// <summary>
/// The captured side of one request: taken from the body before it is let go, sealed with the answer at its end.
/// Content stays in memory until it is sealed.
/// </summary>
internal sealed class SessionCapture
{
    private readonly SessionTips _tips;
    private readonly ContentKey _key;
    private readonly ContentKey _names;
    private readonly string _session;
    private readonly UInt128 _system;
    private readonly UInt128[] _messages;
    private readonly Continuation _continuation;
    private readonly CapturedContent _content;
    private bool _hasAnswer;

    public SessionCapture(SessionTips tips, ContentKey key, string session, ReadOnlySpan<byte> body, RequestFacts facts, CaptureParts also)
    {
        (_tips, _key, _names, _session) = (tips, key, tips.NamesOf(session), session);
        _system = facts.System.IsEmpty ? default : MessageIdentity.Of(_names, facts.System.Of(body));
        // One place more: the answer joins the request's own messages at the end.
        _messages = new UInt128[facts.Messages.Count + 1];
        for (var i = 0; i < facts.Messages.Count; i++)
            _messages[i] = MessageIdentity.Of(_names, facts.Messages[i].Of(body));
        _continuation = tips.Find(session, _system, _messages.AsSpan(0, facts.Messages.Count));
        _content = new CapturedContent(body, facts, _continuation, also, new SessionAttachments(tips, session));
    }

    /// <summary>Seals the request's content with the answer's (a JSON array; empty when none came).</summary>
    public byte[] Seal(string organizationId, Guid request, AnswerFacts answer, ReadOnlySpan<byte> content, bool truncated)
    {
        if (!content.IsEmpty)
        {
            _messages[^1] = MessageIdentity.Of(_names, [.. "{\"role\":\"assistant\",\"content\":"u8, .. content, (byte)'}']);
            _hasAnswer = true;
        }
        return _key.Seal(_content.Finish(answer, content, truncated), organizationId, _session, request);
    }

    /// <summary>
    /// Lets later requests of the session build on this one. Only once its record is durable: what builds on a
    /// record that was lost could never be read again.
    /// </summary>
    public void Remember(Guid request)
    {
        _tips.Remember(_session, _continuation.Parent, request, _system, _hasAnswer ? _messages : _messages[..^1]);
        if (_content.Attached.Count > 0)
            _tips.Attached(_session, _content.Attached);
    }
}
