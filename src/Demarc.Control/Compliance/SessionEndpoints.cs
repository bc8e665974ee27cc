using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Control.Retention;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Compliance;

/// <summary>
/// <c>/v1/compliance/apps/sessions/local</c> (Compliance API, "Retrieve session transcripts"). Sessions that capture
/// nothing are not listed; transcripts open through an approved review, or for a key that is exempt from it, and each view is an
/// activity with its reason. The same serves people their own sessions, which open without one.
/// </summary>
public sealed class SessionEndpoints(Store store, TranscriptReader reader, SessionAccess access, RetentionBoundary retention, PageTokens tokens, TimeProvider time)
{
    private const int DefaultLimit = 100;
    private const int MaxSessions = 500;
    private const int MaxMessages = 1000;

    private static readonly TimeSpan WalkLifetime = TimeSpan.FromHours(24);

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
        var found = await access.FindAsync(query, request, time.GetUtcNow().ToUnixTimeMilliseconds());
        return query.Problem ?? (found is null ? SessionAccess.NotFound : new AdminAnswer(200, SessionJson.Object(found.Value.Session)));
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
        var (opened, refusal) = await access.OpenAsync(query, request, started);
        if (opened is null)
            return refusal;

        var session = opened.Session;
        var page = await reader.ReadAsync(session, limits, opened.KeptFrom, opened.Span, after, descending, limit);
        var next = page.Next is { } last ? tokens.Make(listing, string.Create(CultureInfo.InvariantCulture, $"{started} {last.Begun} {last.Slot}")) : null;
        await access.ViewedAsync(request, opened, page.Data.Count);
        return new AdminAnswer(200, SessionJson.Messages(session, page.Data, next));
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
