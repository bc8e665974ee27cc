using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Control.Retention;
using Demarc.Control.Reviews;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Compliance;

/// <summary>
/// <c>/v1/compliance/apps/sessions/local</c> (Compliance API, "Retrieve session transcripts"). Sessions that capture
/// nothing are not listed; transcripts open through an approved review, or for a key that is exempt from it, and each view is an
/// activity with its reason. The same serves people their own sessions, which open without one.
/// </summary>
public sealed class SessionEndpoints(Store store, TranscriptReader reader, ContentAccess access, RetentionBoundary retention, PageTokens tokens, TimeProvider time)
{
    private const int DefaultLimit = 100;
    private const int MaxSessions = 500;
    private const int MaxMessages = 1000;

    private static readonly TimeSpan WalkLifetime = TimeSpan.FromHours(24);

    private static readonly OpenContent Own = new("own", null, 0, long.MaxValue);

    private static readonly AdminAnswer NotFound = AdminAnswer.NotFound("Local session not found.");

    /// <summary><c>{"data":[session…],"next_page"}</c>, newest first.</summary>
    public async Task<AdminAnswer> ListAsync(ComplianceRequest request)
    {
        var query = new ComplianceQuery(request.Query, ["created_at.gte", "created_at.lt", "limit", "page"]);
        var (from, to, limit) = (query.Time("created_at.gte"), query.Time("created_at.lt"), query.Limit(DefaultLimit, MaxSessions));
        if (to <= from)
            query.Wrong("created_at.lt must be strictly after created_at.gte.");
        var listing = string.Create(CultureInfo.InvariantCulture, $"sessions\n{request.OrganizationId}\n{request.Owner}\n{from}\n{to}");
        var after = After(query, listing);
        if (query.Problem is not null)
            return query.Problem;

        var page = await store.Sessions.ListAsync(new SessionsQuery { OrganizationId = request.OrganizationId, From = from, To = to, After = after, Limit = limit, PrincipalId = request.Owner });
        var next = page.HasMore ? tokens.Make(listing, string.Create(CultureInfo.InvariantCulture, $"{page.Data[^1].CreatedAt} {page.Data[^1].Id}")) : null;
        var keptFrom = await retention.OfAsync(request.OrganizationId, time.GetUtcNow().ToUnixTimeMilliseconds());
        return new AdminAnswer(200, SessionJson.Page([.. page.Data.Where(s => s.LastAt >= keptFrom(s))], next));
    }

    /// <summary>The session object alone.</summary>
    public async Task<AdminAnswer> GetAsync(ComplianceRequest request)
    {
        var query = new ComplianceQuery(request.Query, []);
        var session = await FindAsync(query, request);
        return query.Problem ?? (session is null || session.LastAt < await KeptFromAsync(session, time.GetUtcNow().ToUnixTimeMilliseconds()) ? NotFound : new AdminAnswer(200, SessionJson.Object(session)));
    }

    /// <summary><c>{"session":…,"data":[message…],"next_page"}</c>, oldest first unless <c>order=desc</c>.</summary>
    public async Task<AdminAnswer> MessagesAsync(ComplianceRequest request)
    {
        var query = new ComplianceQuery(request.Query, ["limit", "order", "page", "tool_use_input_max_bytes", "tool_result_max_bytes"]);
        var limit = query.Limit(DefaultLimit, MaxMessages);
        var descending = query.IsSecond("order", "asc", "desc");
        var limits = new TranscriptLimits(
            query.MaxBytes("tool_use_input_max_bytes", TranscriptLimits.Default, TranscriptLimits.Max),
            query.MaxBytes("tool_result_max_bytes", TranscriptLimits.Default, TranscriptLimits.Max));
        var listing = $"messages\n{request.OrganizationId}\n{request.SessionId}\n{(descending ? "desc" : "asc")}";
        var (started, after) = Walk(query, listing);
        var session = await FindAsync(query, request);
        if (query.Problem is not null)
            return query.Problem;
        if (session is null)
            return NotFound;
        var keptFrom = await KeptFromAsync(session, started);
        if (session.LastAt < keptFrom)
            return NotFound;
        var (open, refusal) = request.Owner is not null ? (Own, "") : await access.OfAsync(request.Principal, session);
        if (open is null)
            return new AdminAnswer(403, null, "permission_error", refusal);

        var page = await reader.ReadAsync(session, limits, keptFrom, (open.From, open.To), after, descending, limit);
        var next = page.Next is { } last ? tokens.Make(listing, string.Create(CultureInfo.InvariantCulture, $"{started} {last.Begun} {last.Slot}")) : null;
        if (open != Own)
            await store.RecordAsync(request.OrganizationId, request.Actor, ContentAccess.Viewed, open.Fields(session, page.Data.Count));
        return new AdminAnswer(200, SessionJson.Messages(session, page.Data, next));
    }

    private async Task<long> KeptFromAsync(Session session, long now) => (await retention.OfAsync(session.OrganizationId, now))(session);

    private async Task<Session?> FindAsync(ComplianceQuery query, ComplianceRequest request)
    {
        var id = request.SessionId!;
        if (!Ids.TryParse(Ids.Session, id, out _))
            query.Wrong($"\"{ComplianceQuery.Printable(id)}\" is no local session ID ({Ids.Session}…).");
        var session = query.Problem is null ? await store.Sessions.GetAsync(request.OrganizationId, id) : null;
        return request.Owner is null || session?.PrincipalId == request.Owner ? session : null;
    }

    private (long CreatedAt, string Id)? After(ComplianceQuery query, string listing) =>
        Cursor(query, listing, 2) is { } parts ? (long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]) : null;

    // A walk sees the retention boundary of its first page, and so must end within a day.
    private (long Started, MessagePlace? After) Walk(ComplianceQuery query, string listing)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (Cursor(query, listing, 3) is not { } parts)
            return (now, null);
        var started = long.Parse(parts[0], CultureInfo.InvariantCulture);
        if (now - started > WalkLifetime.TotalMilliseconds)
            query.Wrong("The page cursor has expired. Restart the walk without a page parameter; results will reflect the current retention boundary.");
        return (started, new MessagePlace(long.Parse(parts[1], CultureInfo.InvariantCulture), int.Parse(parts[2], CultureInfo.InvariantCulture)));
    }

    private string[]? Cursor(ComplianceQuery query, string listing, int parts)
    {
        if (query.Text("page") is not { } page)
            return null;
        if (tokens.Read(listing, page)?.Split(' ') is { } value && value.Length == parts)
            return value;
        query.Wrong("The page parameter is not a valid cursor for this request.");
        return null;
    }
}
