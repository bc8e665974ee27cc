using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Reviews;

/// <summary>Reviews and exemptions, each step an activity. Nobody decides on what they asked for, or on what they would read.</summary>
public sealed class ReviewRegister
{
    private const string Select =
        """
        SELECT id, organization_id, scope, scope_id, from_at, to_at, reason_code, reason, reader_id, hours, status, requested_at, requested_by,
          decided_at, decided_by, expires_at
        FROM reviews WHERE organization_id = @organizationId
        """;

    private readonly Store _store;

    internal ReviewRegister(Store store) => _store = store;

    public Task<Review> RequestAsync(string organizationId, NewReview asked, ActorRecord actor) => _store.WriteAsync(async transaction =>
    {
        var review = new Review
        {
            Id = Ids.New(Ids.Review, _store.Time),
            OrganizationId = organizationId,
            Scope = asked.Scope,
            ScopeId = asked.ScopeId,
            FromAt = asked.FromAt,
            ToAt = asked.ToAt,
            ReasonCode = asked.ReasonCode,
            Reason = asked.Reason,
            ReaderId = asked.ReaderId,
            Hours = asked.Hours,
            Status = "pending",
            RequestedAt = _store.Now,
            RequestedBy = actor.Id,
        };
        await transaction.ExecuteAsync(
            """
            INSERT INTO reviews (id, organization_id, scope, scope_id, from_at, to_at, reason_code, reason, reader_id, hours, status, requested_at, requested_by)
            VALUES (@Id, @OrganizationId, @Scope, @ScopeId, @FromAt, @ToAt, @ReasonCode, @Reason, @ReaderId, @Hours, @Status, @RequestedAt, @RequestedBy)
            """,
            review).ConfigureAwait(false);
        await transaction.RecordAsync(organizationId, actor, "demarc_review_requested", Fields(review)).ConfigureAwait(false);
        return review;
    });

    public Task<Review?> GetAsync(string organizationId, string id) => _store.FindAsync<Review>(Select + " AND id = @id", new { organizationId, id });

    /// <summary>A page, newest first.</summary>
    /// <param name="status">As it is written down (an expired one is <c>approved</c>); null for all.</param>
    public async Task<Page<Review>> ListAsync(string organizationId, PageRequest page, string? status = null) =>
        page.Cut(await _store.QueryAsync<Review>(
            Select + (status is null ? "" : " AND status = @status") + page.Where + page.Order, new { organizationId, status, page.AfterId, page.BeforeId }).ConfigureAwait(false));

    /// <summary>What is open now for a reader, and what will be if it is approved.</summary>
    public Task<Review[]> OfReaderAsync(string organizationId, string readerId) =>
        _store.QueryAsync<Review>(
            Select + " AND reader_id = @readerId AND (status = 'pending' OR (status = 'approved' AND expires_at > @Now)) ORDER BY id DESC", new { organizationId, readerId, _store.Now });

    /// <summary>Everything that is open now, whoever reads.</summary>
    public Task<Review[]> InForceAsync(string organizationId) =>
        _store.QueryAsync<Review>(Select + " AND status = 'approved' AND expires_at > @Now", new { organizationId, _store.Now });

    /// <summary>Decides on a pending one; null when it is not pending any more. An exemption that is approved holds for its key at once.</summary>
    /// <param name="approve">Else it is denied.</param>
    public Task<Review?> DecideAsync(Review review, bool approve, ActorRecord actor)
    {
        if (approve && IsOwn(review, actor))
            throw new ArgumentException("Nobody approves what they asked for: check IsOwn first.", nameof(actor));
        return ChangeAsync(review, "pending", approve ? "approved" : "denied", now => approve ? now + (review.Hours * 3_600_000) : null, actor);
    }

    /// <summary>Closes an approved one, or takes a pending one back; null when it is neither.</summary>
    public async Task<Review?> RevokeAsync(Review review, ActorRecord actor) =>
        await ChangeAsync(review, "approved", "revoked", _ => review.ExpiresAt, actor).ConfigureAwait(false) ?? await ChangeAsync(review, "pending", "revoked", _ => null, actor).ConfigureAwait(false);

    /// <summary>Whether somebody asked for it, or would read under it.</summary>
    public static bool IsOwn(Review review, ActorRecord actor) => actor.Id == review.RequestedBy || actor.Id == review.ReaderId;

    private Task<Review?> ChangeAsync(Review review, string from, string to, Func<long, long?> expiresAfter, ActorRecord actor) => _store.WriteAsync(async transaction =>
    {
        var at = _store.Now;
        var expires = expiresAfter(at);
        var changed = await transaction.ExecuteAsync(
            """
            UPDATE reviews SET status = @to, decided_at = @at, decided_by = @by, expires_at = @expires
            WHERE organization_id = @OrganizationId AND id = @Id AND status = @from
            """,
            new { review.OrganizationId, review.Id, from, to, at, by = actor.Id, expires }).ConfigureAwait(false);
        if (changed == 0)
            return null;
        var now = review with { Status = to, DecidedAt = at, DecidedBy = actor.Id, ExpiresAt = expires };
        var type = $"demarc_review_{to}";
        if (review.Scope == "key" && (to == "approved" || from == "approved"))
        {
            await transaction.ExecuteAsync(
                "UPDATE api_keys SET read_exempt_until = @until WHERE organization_id = @OrganizationId AND id = @ScopeId",
                new { review.OrganizationId, review.ScopeId, until = to == "approved" ? expires : null }).ConfigureAwait(false);
            await transaction.ChangeAsync(review.OrganizationId, actor, type, Fields(now)).ConfigureAwait(false);
        }
        else
            await transaction.RecordAsync(review.OrganizationId, actor, type, Fields(now)).ConfigureAwait(false);
        return now;
    });

    private static Dictionary<string, string?> Fields(Review review) => new()
    {
        ["review_id"] = review.Id,
        ["scope"] = review.Scope,
        ["scope_id"] = review.ScopeId,
        ["from"] = Text(review.FromAt),
        ["to"] = Text(review.ToAt),
        ["reason_code"] = review.ReasonCode,
        ["reason"] = review.Reason,
        ["reader_id"] = review.ReaderId,
        ["requested_by"] = review.RequestedBy,
        ["expires_at"] = Text(review.ExpiresAt),
    };

    private static string? Text(long? at) => at is { } moment ? DateTimeOffset.FromUnixTimeMilliseconds(moment).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null;
}
