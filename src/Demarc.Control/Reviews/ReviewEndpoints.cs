using Demarc.Control.AdminApi;
using Demarc.Control.Retention;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Reviews;

namespace Demarc.Control.Reviews;

/// <summary>A review on the wire: Demarc's own.</summary>
/// <param name="Status"><c>pending</c>, <c>approved</c>, <c>denied</c>, <c>revoked</c> or <c>expired</c>.</param>
public sealed record ReviewObject(
    string Type, string Id, string Status, string Scope, string ScopeId, string? From, string? To, string ReasonCode, string Reason, string ReaderId, long Hours,
    string RequestedAt, string RequestedBy, string? DecidedAt, string? DecidedBy, string? ExpiresAt)
{
    /// <param name="now">Unix milliseconds.</param>
    public static ReviewObject Of(Review review, long now) => new(
        "review", review.Id, review.StatusAt(now), review.Scope, review.ScopeId, Rfc3339.Text(review.FromAt), Rfc3339.Text(review.ToAt), review.ReasonCode, review.Reason,
        review.ReaderId, review.Hours, Rfc3339.Text(review.RequestedAt), review.RequestedBy, Rfc3339.Text(review.DecidedAt), review.DecidedBy, Rfc3339.Text(review.ExpiresAt));
}

/// <summary><c>/v1/organizations/reviews</c>: captured content opens through these (law 6), and compliance keys are exempted from them.</summary>
public sealed class ReviewEndpoints(Store store)
{
    private const int DefaultHours = 24;

    private static readonly string[] Statuses = ["pending", "approved", "denied", "revoked"];
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no review with this id. GET /v1/organizations/reviews lists them.");

    private long Now => store.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>A page, newest first, by <c>status</c>.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.Review);
        var status = request.Query("status");
        problem ??= status is not null && !Statuses.Contains(status) ? AdminAnswer.Invalid("status", $"give one of {string.Join(", ", Statuses)}.") : null;
        return problem ?? AdminAnswer.Page(await store.Reviews.ListAsync(request.OrganizationId, page, status), r => ReviewObject.Of(r, Now), r => r.Id);
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) => await FindAsync(request) is { } review ? AdminAnswer.Of(ReviewObject.Of(review, Now)) : Unknown;

    /// <summary>
    /// Asks for one: <c>{scope, scope_id?, reason_code, reason, reader_id?, hours?, from?, to?}</c>. <c>scope_id</c> is left out for the
    /// organization; <c>reader_id</c> for whoever asks, and for a key.
    /// </summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "scope", "scope_id", "reason_code", "reason", "reader_id", "hours", "from", "to");
        var scope = body.Required("scope", s => Review.Scopes.Contains(s) ? null : $"give one of {string.Join(", ", Review.Scopes)}.");
        var id = scope == "organization" ? request.OrganizationId : body.Required("scope_id");
        var code = body.Required("reason_code", c => Review.ReasonCodes.Contains(c) ? null : $"give one of {string.Join(", ", Review.ReasonCodes)}.");
        var reason = body.Required("reason", HoldEndpoints.TextProblem);
        var reader = body.Text("reader_id") ?? request.Actor.Id;
        var hours = body.Whole("hours", Review.MostHours(scope), DefaultHours, "hours");
        var (from, to) = (body.Time("from")?.ToUnixTimeMilliseconds(), body.Time("to")?.ToUnixTimeMilliseconds());
        if (to <= from)
            body.Wrong("to", "it ends before it begins.");
        if (body.Problem is not null)
            return body.Problem;
        var asked = new NewReview(scope, id, code, reason, reader, hours, from, to);
        if (await ReviewRules.ProblemAsync(store, request.OrganizationId, asked) is var (field, problem))
            return AdminAnswer.Invalid(field, problem);
        return AdminAnswer.Of(ReviewObject.Of(await store.Reviews.RequestAsync(request.OrganizationId, asked, request.Actor), Now));
    }

    /// <summary>Approves, for its hours from now on. 403 for one's own; 409 when it is not pending.</summary>
    public Task<AdminAnswer> ApproveAsync(AdminRequest request) => DecideAsync(request, approve: true);

    public Task<AdminAnswer> DenyAsync(AdminRequest request) => DecideAsync(request, approve: false);

    /// <summary>Closes it at once; 409 when there is nothing to close.</summary>
    public async Task<AdminAnswer> RevokeAsync(AdminRequest request)
    {
        if (await FindAsync(request) is not { } review)
            return Unknown;
        return await store.Reviews.RevokeAsync(review, request.Actor) is { } revoked ? AdminAnswer.Of(ReviewObject.Of(revoked, Now)) : AdminAnswer.Conflict($"The review is {review.StatusAt(Now)} already.");
    }

    private async Task<AdminAnswer> DecideAsync(AdminRequest request, bool approve)
    {
        if (await FindAsync(request) is not { } review)
            return Unknown;
        if (approve && ReviewRules.CannotApprove(review, request.Actor) is { } problem)
            return new AdminAnswer(403, null, "permission_error", problem);
        return await store.Reviews.DecideAsync(review, approve, request.Actor) is { } decided ? AdminAnswer.Of(ReviewObject.Of(decided, Now)) : AdminAnswer.Conflict($"The review is {review.StatusAt(Now)} already.");
    }

    private Task<Review?> FindAsync(AdminRequest request) => store.Reviews.GetAsync(request.OrganizationId, request.Path("id"));
}
