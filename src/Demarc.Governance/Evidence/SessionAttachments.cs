namespace Demarc.Governance.Evidence;

/// <summary>The attachments of one session, by an HMAC over their base64 under a key of the session's own.</summary>
public sealed class SessionAttachments(SessionTips tips, string session)
{
    /// <summary>The name that an attachment is stored under, and whether an earlier request of the session has it.</summary>
    public (UInt128 Name, bool IsKept) Find(ReadOnlySpan<byte> base64)
    {
        var name = tips.NamesOf(session).Identify(base64);
        var stored = tips.StoredAttachment(session, name);
        return (stored ?? name, stored is not null);
    }
}
