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
    private readonly string _session;
    private readonly SessionPlace _place;
    private readonly CapturedContent _content;
    private bool _hasAnswer;

    public SessionCapture(SessionTips tips, ContentKey key, string session, SessionPlace place, ReadOnlySpan<byte> body, RequestFacts facts, CaptureParts also)
    {
        (_tips, _key, _session, _place) = (tips, key, session, place);
        _content = new CapturedContent(body, facts, place.Continuation, also, new SessionAttachments(tips, session));
    }

    /// <summary>Seals the request's content with the answer's (a JSON array; empty when none came).</summary>
    public byte[] Seal(string organizationId, Guid request, AnswerFacts answer, ReadOnlySpan<byte> content, bool truncated)
    {
        if (!content.IsEmpty)
        {
            _place.Messages[^1] = MessageIdentity.OfAnswer(_place.Names, content);
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
        _tips.Remember(_session, _place.Continuation.Parent, request, _place.System, _hasAnswer ? _place.Messages : _place.Messages[..^1]);
        if (_content.Attached.Count > 0)
            _tips.Attached(_session, _content.Attached);
    }
}
