using System.Text.Json;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence;

/// <summary>A client conversation: <c>clls_…</c>.</summary>
public sealed record Session
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>The client's own id; null for a synthetic session.</summary>
    public string? ClientSession { get; init; }

    /// <summary><c>user</c> or <c>service_account</c>.</summary>
    public required string PrincipalType { get; init; }

    public required string PrincipalId { get; init; }

    /// <summary>The user's address now; null when there is none.</summary>
    public string? Email { get; init; }

    /// <summary><c>claude_code</c>, <c>cowork</c> or <c>api</c>.</summary>
    public required string Surface { get; init; }

    /// <summary>JSON of the begun record of its first request; null when that is no more.</summary>
    public byte[]? FirstBegun { get; init; }

    /// <summary>The workspace of its first request; null for the default one.</summary>
    public string? WorkspaceId => First?.WorkspaceId;

    /// <summary>The project of its first request; null for none.</summary>
    public string? ProjectId => First?.ProjectId;

    /// <summary>When its first request began, Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>When its last request began, Unix milliseconds.</summary>
    public required long LastAt { get; init; }

    /// <summary>Requests begun, without those that only counted tokens.</summary>
    public required long Requests { get; init; }

    private BegunRecord? First => field ??= FirstBegun is null ? null : JsonSerializer.Deserialize(FirstBegun, RecordJson.Default.BegunRecord);
}

/// <summary>Which sessions to read. Times are Unix milliseconds; null does not filter.</summary>
public sealed record SessionsQuery
{
    public required string OrganizationId { get; init; }

    /// <summary>The earliest creation, included.</summary>
    public long? From { get; init; }

    /// <summary>The latest creation, not included.</summary>
    public long? To { get; init; }

    /// <summary>The last session of the page before.</summary>
    public (long CreatedAt, string Id)? After { get; init; }

    public string? PrincipalId { get; init; }

    /// <summary>1 to 500; the Compliance API's default is 100.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>One request of a session, for its transcript.</summary>
public sealed record SessionRequest
{
    /// <summary>Rises from request to request of a session.</summary>
    public required long Begun { get; init; }

    /// <summary>The request's UUID, 16 big-endian bytes: what its content is sealed to.</summary>
    public required byte[] RequestId { get; init; }

    /// <summary>When it began, Unix milliseconds. </summary>
    public required long At { get; init; }

    /// <summary>JSON of the begun record.</summary>
    public required byte[] BegunBody { get; init; }

    /// <summary>When it finished, Unix milliseconds; null while it is open.</summary>
    public long? FinishedAt { get; init; }

    /// <summary>JSON of the finished record; null while it is open.</summary>
    public byte[]? FinishedBody { get; init; }

    /// <summary>Sealed content; null when none was captured.</summary>
    public byte[]? Content { get; init; }
}

public sealed class Sessions
{
    private const string Select =
        """
        SELECT s.id, s.organization_id, s.client_session, s.principal_type, s.principal_id, u.email, s.surface, s.created_at, s.last_at, s.requests,
          (SELECT b.body FROM session_requests q JOIN records b ON b.sequence = q.begun
            WHERE q.session_id = s.id AND q.organization_id = s.organization_id ORDER BY q.begun LIMIT 1) AS first_begun
        FROM sessions s LEFT JOIN users u ON u.id = s.principal_id
        """;

    private readonly Store _store;

    internal Sessions(Store store) => _store = store;

    /// <summary>A page, newest first, ties by id.</summary>
    public async Task<Page<Session>> ListAsync(SessionsQuery query)
    {
        var sql = Select + " WHERE s.organization_id = @OrganizationId";
        if (query.From != null)
            sql += " AND s.created_at >= @From";
        if (query.To != null)
            sql += " AND s.created_at < @To";
        if (query.After != null)
            sql += " AND (s.created_at, s.id) < (@createdAt, @id)";
        if (query.PrincipalId != null)
            sql += " AND s.principal_id = @PrincipalId";
        sql += $" ORDER BY s.created_at DESC, s.id DESC LIMIT {query.Limit + 1}";
        var rows = await _store.QueryAsync<Session>(sql, new
        {
            query.OrganizationId,
            query.From,
            query.To,
            createdAt = query.After?.CreatedAt,
            id = query.After?.Id,
            query.PrincipalId,
        }).ConfigureAwait(false);
        return Page<Session>.Cut(rows, query.Limit, towardsNewest: false);
    }

    /// <summary>Every page from a query on. What changes of sessions that were read already does not matter to those that follow.</summary>
    public async IAsyncEnumerable<Session[]> PagesAsync(SessionsQuery query)
    {
        while (true)
        {
            var page = await ListAsync(query).ConfigureAwait(false);
            if (page.Data.Length > 0)
                yield return page.Data;
            if (!page.HasMore)
                yield break;
            query = query with { After = (page.Data[^1].CreatedAt, page.Data[^1].Id) };
        }
    }

    public Task<Session?> GetAsync(string organizationId, string sessionId) =>
        _store.FindAsync<Session>(
            Select + " WHERE s.organization_id = @organizationId AND s.id = @sessionId", new { organizationId, sessionId });

    /// <summary>Requests of a session in the order in which they began, from after a <see cref="SessionRequest.Begun"/>.</summary>
    public Task<SessionRequest[]> RequestsAsync(string organizationId, string sessionId, long after = 0, int limit = 1000) =>
        _store.QueryAsync<SessionRequest>(
            """
            SELECT s.begun, s.request_id, b.at, b.body AS begun_body, f.at AS finished_at, f.body AS finished_body, f.content
            FROM session_requests s
            JOIN records b ON b.sequence = s.begun
            LEFT JOIN records f ON f.sequence = s.finished
            WHERE s.session_id = @sessionId AND s.organization_id = @organizationId AND s.begun > @after
            ORDER BY s.begun LIMIT @limit
            """,
            new { organizationId, sessionId, after, limit });
}
