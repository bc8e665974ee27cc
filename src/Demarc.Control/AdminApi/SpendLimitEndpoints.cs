using System.Text.Json;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>
/// <c>/v1/organizations/spend_limits</c> (Spend Limits API; the list, and scopes other than a user, as the Claude apps gateway
/// has them). A limit that is set here is hard.
/// </summary>
public sealed class SpendLimitEndpoints(Store store, Snapshots snapshots, SecondAdministrator second)
{
    private const string GroupPrefix = "rbac_group_";
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no spend limit with this id. GET /v1/organizations/spend_limits lists them.");

    /// <summary>The configured limits, newest first; <c>scope_type</c> leaves the others out.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(SpendLimits.IdPrefix);
        if (problem is not null)
            return problem;
        var type = request.Query("scope_type");
        if (type is not (null or "user" or "rbac_group" or "organization" or "api_key"))
            return AdminAnswer.Invalid("scope_type", "give one of user, rbac_group, organization, api_key.");
        var limits = (await store.SpendLimits.AllAsync(request.OrganizationId)).Where(l => type is null || SpendLimits.Wire(l.Scope) == type);
        return AdminAnswer.Page(page.Of([.. limits.Reverse()], l => l.Id), SpendLimitObject.Of, l => l.Id);
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        await store.SpendLimits.GetAsync(request.OrganizationId, request.Path("id")) is { } limit ? AdminAnswer.Of(SpendLimitObject.Of(limit)) : Unknown;

    /// <summary>Sets the limit of a scope and period: <c>{scope: {type, user_id?, rbac_group_id?}, amount, period?, currency?}</c>.</summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "scope", "amount", "period", "currency");
        var (scope, target) = await ScopeAsync(body, request.OrganizationId);
        var amount = Amount(body);
        var period = LimitPeriod.Monthly;
        body.Text("period", p => LimitPeriods.TryParse(p, out period) ? null : $"give one of {string.Join(", ", LimitPeriods.Names)}.");
        body.Text("currency", c => c == "USD" ? null : "amounts are in USD here.");
        if (body.Problem is not null)
            return body.Problem;
        return await PutAsync(request, scope, target, period, false, amount);
    }

    /// <summary>Changes the amount of a limit: <c>{amount}</c>.</summary>
    public async Task<AdminAnswer> UpdateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "amount");
        var amount = Amount(body);
        if (body.Problem is not null)
            return body.Problem;
        return await store.SpendLimits.GetAsync(request.OrganizationId, request.Path("id")) is { } limit
            ? await PutAsync(request, limit.Scope, limit.Target, limit.Period, limit.Shared, amount)
            : Unknown;
    }

    /// <summary>Removes a limit: <c>{"type":"spend_limit_deleted","id"}</c>.</summary>
    public async Task<AdminAnswer> DeleteAsync(AdminRequest request)
    {
        if (await store.SpendLimits.GetAsync(request.OrganizationId, request.Path("id")) is null)
            return Unknown;
        if (await second.HoldAsync(request, "limits", $"remove the limit {request.Path("id")}") is { } held)
            return held;
        if (!await store.SpendLimits.DeleteAsync(request.OrganizationId, request.Path("id"), request.Actor))
            return Unknown;
        await snapshots.RefreshAsync();
        return AdminAnswer.Of(new { Type = "spend_limit_deleted", Id = request.Path("id") });
    }

    /// <summary>Each active person's limit by period, where it comes from, and what was spent of it (List Effective Spend Limits).</summary>
    public async Task<AdminAnswer> EffectiveAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.User);
        var periods = request.QueryAll("period");
        problem ??= periods.FirstOrDefault(p => !LimitPeriods.TryParse(p, out _)) is { } wrong ? AdminAnswer.Invalid("period", $"{wrong} is none of {string.Join(", ", LimitPeriods.Names)}.") : null;
        problem ??= request.IdProblem("page", Ids.User);
        if (problem is not null)
            return problem;
        var wanted = request.QueryAll("user_ids");
        var users = await store.Users.ListAsync(request.OrganizationId, page with { AfterId = request.Query("page"), BeforeId = null });
        var limits = await store.SpendLimits.AllAsync(request.OrganizationId);
        var rows = new List<EffectiveLimit>();
        foreach (var user in users.Data.Where(u => wanted.Length == 0 || wanted.Contains(u.Id)))
        {
            var groups = await store.Groups.NamesOfAsync(request.OrganizationId, user.Id);
            foreach (var period in Enum.GetValues<LimitPeriod>().Where(p => periods.Length == 0 || periods.Contains(p.Wire())))
            {
                if (StoredLimits.Effective(limits, period, user.Id, groups) is { } limit)
                    rows.Add(await EffectiveLimit.OfAsync(store, request.OrganizationId, user.Id, user, period, limit));
            }
        }
        return AdminAnswer.Of(new { Data = rows, NextPage = users.HasMore ? users.Data[^1].Id : null });
    }

    private async Task<AdminAnswer> PutAsync(AdminRequest request, StoredScope scope, string target, LimitPeriod period, bool shared, long? amount)
    {
        if (await second.HoldAsync(request, "limits", $"{period.Wire()} limit of {(target.Length == 0 ? "the organization" : target)}: {(amount is { } nano ? NanoDollars.Format(nano) : "none")}") is { } held)
            return held;
        var limit = await store.SpendLimits.PutAsync(request.OrganizationId, scope, target, period, shared, amount, LimitMode.Hard, request.Actor);
        await snapshots.RefreshAsync();
        return AdminAnswer.Of(SpendLimitObject.Of(limit));
    }

    // Absent is not null: null lifts the limit.
    private static long? Amount(BodyFields body)
    {
        long nano = 0;
        if (!body.Mentions("amount"))
            body.Wrong("amount", "this field is required: cents in quotes, or null for no limit.");
        return body.Text("amount", text => SpendAmount.ParseCents(text, out nano)) is null ? null : nano;
    }

    private async Task<(StoredScope Scope, string Target)> ScopeAsync(BodyFields body, string organizationId)
    {
        if (body.Nested("scope", "type", "user_id", "rbac_group_id") is not { } scope)
            return default;
        var text = (string name) => scope.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        switch (text("type"))
        {
            case "organization":
                return (StoredScope.Organization, "");
            case "user" when text("user_id") is { } id && await store.Users.GetAsync(organizationId, id) is not null:
                return (StoredScope.User, id);
            case "rbac_group" when text("rbac_group_id") is { } id && await FindGroupAsync(organizationId, id) is { } group:
                return (StoredScope.Group, group.Id);
            case "user":
                body.Wrong("scope.user_id", "there is no such user. GET /v1/organizations/users lists them.");
                return default;
            case "rbac_group":
                body.Wrong("scope.rbac_group_id", "there is no such group. See: demarc group list.");
                return default;
            default:
                body.Wrong("scope.type", "give one of user, rbac_group, organization.");
                return default;
        }
    }

    // The vendor's gateway names groups; its own API has ids.
    private async Task<Group?> FindGroupAsync(string organizationId, string idOrName) =>
        idOrName.StartsWith(GroupPrefix, StringComparison.Ordinal) ? await store.Groups.GetAsync(organizationId, idOrName) : await store.Groups.GetByNameAsync(organizationId, idOrName);
}
