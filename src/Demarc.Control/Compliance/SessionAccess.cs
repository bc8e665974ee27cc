using Demarc.Control.AdminApi;
using Demarc.Control.Retention;
using Demarc.Control.Reviews;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Compliance;

/// <summary>A session whose content a request may see.</summary>
/// <param name="KeptFrom">What was captured before this, Unix milliseconds, is past its retention.</param>
internal sealed record OpenedSession(Session Session, long KeptFrom, OpenContent Open)
{
    /// <summary>The first moment whose content is shown, and the first one after.</summary>
    public (long From, long To) Span => (Open.From, Open.To);
}

/// <summary>Finds the session that a request names and holds law 6 and retention against it.</summary>
public sealed class SessionAccess(Store store, ContentAccess access, RetentionBoundary retention)
{
    private static readonly OpenContent Own = new("own", null, 0, long.MaxValue);

    internal static AdminAnswer NotFound { get; } = AdminAnswer.NotFound("Local session not found.");

    /// <summary>Null when there is none that the request may know of; a malformed id is a problem of the query.</summary>
    internal async Task<(Session Session, long KeptFrom)?> FindAsync(ComplianceQuery query, ComplianceRequest request, long now)
    {
        var id = request.SessionId!;
        if (!Ids.TryParse(Ids.Session, id, out _))
            query.Wrong($"\"{ComplianceQuery.Printable(id)}\" is no local session ID ({Ids.Session}…).");
        var session = query.Problem is null ? await store.Sessions.GetAsync(request.OrganizationId, id) : null;
        if (session is null || (request.Owner is not null && session.PrincipalId != request.Owner))
            return null;
        var keptFrom = (await retention.OfAsync(session.OrganizationId, now))(session);
        return session.LastAt < keptFrom ? null : (session, keptFrom);
    }

    /// <summary>The session, opened; else what the request is answered.</summary>
    internal async Task<(OpenedSession? Opened, AdminAnswer Refusal)> OpenAsync(ComplianceQuery query, ComplianceRequest request, long now)
    {
        if (await FindAsync(query, request, now) is not var (session, keptFrom))
            return (null, query.Problem ?? NotFound);
        var (open, refusal) = request.Owner is not null ? (Own, "") : await access.OfAsync(request.Principal, session);
        return open is null ? (null, new AdminAnswer(403, null, "permission_error", refusal)) : (new OpenedSession(session, keptFrom, open), NotFound);
    }

    /// <summary>Puts a view of content that is not the viewer's own on record.</summary>
    internal async Task ViewedAsync(ComplianceRequest request, OpenedSession opened, int messages, string? attachmentId = null)
    {
        if (opened.Open == Own)
            return;
        var fields = opened.Open.Fields(opened.Session, messages);
        if (attachmentId is not null)
            fields["attachment_id"] = attachmentId;
        await store.RecordAsync(request.OrganizationId, request.Actor, ContentAccess.Viewed, fields);
    }
}
