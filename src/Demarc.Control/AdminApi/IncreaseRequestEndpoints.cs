using Demarc.Control.Compliance;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>A request for more on the wire (Spend Limits API, "Increase Requests").</summary>
/// <param name="SpendSummary">Where the person stands, while the request is pending; null after that.</param>
/// <param name="Reason">In the person's own words: Demarc's own.</param>
public sealed record IncreaseRequestObject(
    string Type, string Id, UserActor Actor, string CreatedAt, string Period, string? ResolvedAt, object? ResolvedBy, EffectiveLimit? SpendSummary, string Status, string Reason);

/// <summary>
/// <c>/v1/organizations/spend_limit_increase_requests</c>: the queue of people's requests for more. Beside the vendor's fields,
/// <c>expires_at</c> approves an amount until a moment, after which the limit of before holds again.
/// </summary>
public sealed class IncreaseRequestEndpoints(Store store, Snapshots snapshots, PageTokens tokens)
{
    private static readonly string[] Statuses = ["pending", "approved", "denied"];
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no increase request with this id. GET /v1/organizations/spend_limit_increase_requests lists them.");
    private static readonly AdminAnswer Own = new(403, null, "permission_error", "Nobody decides on a request of their own: ask another administrator.");

    /// <summary>The newest first: <c>{"data":[…],"next_page"}</c>, by <c>status[]</c> and <c>actor_ids[]</c>.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(IncreaseRequests.IdPrefix);
        var (statuses, actors) = (request.QueryAll("status"), request.QueryAll("actor_ids"));
        problem ??= statuses.FirstOrDefault(s => !Statuses.Contains(s)) is { } wrong ? AdminAnswer.Invalid("status", $"{wrong} is none of {string.Join(", ", Statuses)}.") : null;
        var listing = $"increase_requests {request.OrganizationId} {string.Join(',', statuses.Order())} {string.Join(',', actors.Order())}";
        string? after = null;
        if (request.Query("page") is { } token && (after = tokens.Read(listing, token)) is null)
            problem ??= AdminAnswer.Invalid("page", "cursor does not match current query parameters");
        if (problem is not null)
            return problem;
        var found = await store.IncreaseRequests.ListAsync(request.OrganizationId, statuses, actors, after, page.Limit);
        var data = new List<IncreaseRequestObject>();
        foreach (var one in found.Data)
            data.Add(await ObjectAsync(request.OrganizationId, one));
        return AdminAnswer.Of(new { Data = data, NextPage = found.HasMore ? tokens.Make(listing, found.Data[^1].Id) : null });
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        await FindAsync(request) is { } found ? AdminAnswer.Of(await ObjectAsync(request.OrganizationId, found)) : Unknown;

    /// <summary>Approves: <c>{amount, period?, expires_at?, suppress_notification?}</c>; 409 when it is resolved, or a limit of the configuration would hold it.</summary>
    public async Task<AdminAnswer> ApproveAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "amount", "period", "expires_at", "suppress_notification");
        if (await FindAsync(request) is not { } found)
            return Unknown;
        long nano = 0;
        body.Required("amount", text => SpendAmount.ParseCents(text, out nano));
        _ = LimitPeriods.TryParse(found.Period, out var period);
        body.Text("period", p => LimitPeriods.TryParse(p, out period) ? null : $"give one of {string.Join(", ", LimitPeriods.Names)}.");
        var until = body.Time("expires_at");
        if (until <= store.Time.GetUtcNow())
            body.Wrong("expires_at", "give a time to come.");
        var isQuiet = body.Flag("suppress_notification");
        if (body.Problem is not null)
            return body.Problem;
        if (request.Actor.Id == found.PrincipalId)
            return Own;
        if (until is null && await HolderAsync(request.OrganizationId, found.PrincipalId, period, nano) is { } holder)
            return AdminAnswer.Conflict($"{holder} of the configuration holds this person to less: change it there, or give expires_at for a time.");
        if (await store.IncreaseRequests.ApproveAsync(request.OrganizationId, found, period, nano, until?.ToUnixTimeMilliseconds(), isQuiet, request.Actor) is not { } approved)
            return AdminAnswer.Conflict("The request is resolved already.");
        await snapshots.RefreshAsync();
        return AdminAnswer.Of(await ObjectAsync(request.OrganizationId, approved));
    }

    /// <summary>Denies: <c>{suppress_notification?}</c>. A second time changes nothing; 409 for one that is approved.</summary>
    public async Task<AdminAnswer> DenyAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "suppress_notification");
        var isQuiet = body.Flag("suppress_notification");
        if (body.Problem is not null)
            return body.Problem;
        if (await FindAsync(request) is not { } found)
            return Unknown;
        if (request.Actor.Id == found.PrincipalId)
            return Own;
        var denied = await store.IncreaseRequests.DenyAsync(request.OrganizationId, found, isQuiet, request.Actor) ?? await FindAsync(request);
        return denied is { Status: "denied" } ? AdminAnswer.Of(await ObjectAsync(request.OrganizationId, denied)) : AdminAnswer.Conflict("The request is approved already.");
    }

    private Task<IncreaseRequest?> FindAsync(AdminRequest request) => store.IncreaseRequests.GetAsync(request.OrganizationId, request.Path("id"));

    private async Task<IncreaseRequestObject> ObjectAsync(string organizationId, IncreaseRequest request)
    {
        var user = await store.Users.GetAsync(organizationId, request.PrincipalId);
        _ = LimitPeriods.TryParse(request.Period, out var period);
        EffectiveLimit? summary = null;
        if (request.Status == "pending")
        {
            var groups = await store.Groups.NamesOfAsync(organizationId, request.PrincipalId);
            var limit = StoredLimits.Effective(await store.SpendLimits.AllAsync(organizationId), period, request.PrincipalId, groups);
            var configured = ConfiguredLimits.Of(snapshots.Current, organizationId, request.PrincipalId, user, groups, period);
            summary = (await EffectiveLimit.OfAsync(store, organizationId, request.PrincipalId, user, period, limit, groups)).HeldBy(configured, limit?.AmountNano);
        }
        return new IncreaseRequestObject(
            "spend_limit_increase_request", request.Id, UserActor.Of(request.PrincipalId, user), Rfc3339.Text(request.CreatedAt), request.Period,
            Rfc3339.Text(request.ResolvedAt), await ResolverAsync(organizationId, request),
            summary, request.Status, request.Reason);
    }

    // A key, or the person who was signed in; null for the command line.
    private async Task<object?> ResolverAsync(string organizationId, IncreaseRequest request) => request switch
    {
        { ResolvedByKey: null } => null,
        { ResolvedByKey: { } key, ResolvedBy: { } by } when !key.StartsWith(Ids.ApiKey, StringComparison.Ordinal) => UserActor.Of(by, await store.Users.GetAsync(organizationId, by)),
        _ => new { Type = "scoped_api_key_actor", ScopedApiKeyId = request.ResolvedByKey },
    };

    // A limit of the configuration that the person would meet before the new amount.
    private async Task<string?> HolderAsync(string organizationId, string principalId, LimitPeriod period, long nano)
    {
        var (user, groups) = (await store.Users.GetAsync(organizationId, principalId), await store.Groups.NamesOfAsync(organizationId, principalId));
        return ConfiguredLimits.Of(snapshots.Current, organizationId, principalId, user, groups, period).FirstOrDefault(l => l.Mode == LimitMode.Hard && l.AmountNano < nano)?.Place;
    }
}
