using System.Text.Json;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>
/// <c>/v1/organizations/spend_limits</c> (Spend Limits API; the list, and groups and the organization as scopes, as the Claude apps
/// gateway has them; keys, workspaces, projects and resources are Demarc's own). A limit that is set here is hard.
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
        if (SpendLimitScope.Problem(type) is { } wrong)
            return wrong;
        var limits = (await store.SpendLimits.AllAsync(request.OrganizationId)).Where(l => type is null || SpendLimits.Wire(l.Scope) == type);
        return AdminAnswer.Page(page.Of([.. limits.Reverse()], l => l.Id), SpendLimitObject.Of, l => l.Id);
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        await store.SpendLimits.GetAsync(request.OrganizationId, request.Path("id")) is { } limit ? AdminAnswer.Of(SpendLimitObject.Of(limit)) : Unknown;

    /// <summary>
    /// Sets the limit of a scope and period: <c>{scope: {type, …_id?}, amount, period?, currency?, shared?}</c>. With <c>shared</c>
    /// (Demarc's own) all of a group, or the organization, have one budget.
    /// </summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "scope", "amount", "period", "currency", "shared");
        var (scope, target) = await ScopeAsync(body, request.OrganizationId);
        var amount = Amount(body);
        var period = LimitPeriod.Monthly;
        body.Text("period", p => LimitPeriods.TryParse(p, out period) ? null : $"give one of {string.Join(", ", LimitPeriods.Names)}.");
        body.Text("currency", c => c == "USD" ? null : "amounts are in USD here.");
        var shared = body.Flag("shared");
        if (shared && scope is not (StoredScope.Group or StoredScope.Organization))
            body.Wrong("shared", "this is for rbac_group and organization: every other scope has one budget anyway.");
        if (body.Problem is not null)
            return body.Problem;
        return await PutAsync(request, scope, target, period, shared, amount);
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
        string[] ids = [.. SpendLimits.ScopeNames.Select(name => name + "_id")];
        if (body.Nested("scope", ["type", .. ids]) is not { } given)
            return default;
        var text = (string name) => given.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        var (type, id) = (text("type"), text(text("type") + "_id") ?? "");
        if (Array.Find(Enum.GetValues<StoredScope>(), s => SpendLimits.Wire(s) == type) is var scope && SpendLimits.Wire(scope) != type)
        {
            body.Wrong("scope.type", $"give one of {string.Join(", ", SpendLimits.ScopeNames)}.");
            return default;
        }
        if (given.EnumerateObject().Select(f => f.Name).FirstOrDefault(name => name != "type" && name != type + "_id") is { } other)
        {
            body.Wrong($"scope.{other}", $"a scope of type {type} is named by {type}_id alone.");
            return default;
        }
        var (target, where) = scope switch
        {
            StoredScope.User => ((await store.Users.GetAsync(organizationId, id))?.Id, "GET /v1/organizations/users lists them."),
            StoredScope.Group => ((await FindGroupAsync(organizationId, id))?.Id, "See: demarc group list."),
            StoredScope.Key => ((await store.ApiKeys.GetAsync(organizationId, id))?.Id, "GET /v1/organizations/api_keys lists them."),
            StoredScope.Workspace => (await store.Workspaces.GetAsync(organizationId, id) is { ArchivedAt: null } workspace ? workspace.Id : null, "GET /v1/organizations/workspaces lists them."),
            StoredScope.Project => (await store.Projects.GetAsync(organizationId, id) is { ArchivedAt: null } project ? project.Id : null, "GET /v1/organizations/projects lists them."),
            StoredScope.Resource => (Array.Find(snapshots.Current.Resources, r => r.Name == id)?.Name, "Give the name of one in the configuration."),
            _ => ("", ""),
        };
        if (target is null)
            body.Wrong($"scope.{type}_id", $"there is no such {type}. {where}");
        return (scope, target ?? "");
    }

    // The vendor's gateway names groups; its own API has ids.
    private async Task<Group?> FindGroupAsync(string organizationId, string idOrName) =>
        idOrName.StartsWith(GroupPrefix, StringComparison.Ordinal) ? await store.Groups.GetAsync(organizationId, idOrName) : await store.Groups.GetByNameAsync(organizationId, idOrName);
}
