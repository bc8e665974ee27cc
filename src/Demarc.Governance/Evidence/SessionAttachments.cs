namespace Demarc.Governance.Evidence;

/// <summary>The attachments of one session, by an HMAC over their base64 under a key of the session's own.</summary>
public sealed class SessionAttachments(SessionTips tips, string session)
{
    public UInt128 NameOf(ReadOnlySpan<byte> base64) => tips.NamesOf(session).Identify(base64);

    /// <summary>Whether an earlier request of the session has it.</summary>
    public bool IsKept(UInt128 name) => tips.HasAttachment(session, name);
}
