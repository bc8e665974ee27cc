using System.Globalization;
using System.Text.Json;
using Demarc.Control.Resources;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Storage.Evidence;
using Demarc.Storage.Ledger;

namespace Demarc.Control.AdminApi;

/// <summary>A change of a limit that is data, with what it was before and after (Claude apps gateway spend limits, "/audit").</summary>
/// <param name="Id">Its number in the order of changes, for <c>after_id</c>.</param>
/// <param name="Action"><c>created</c>, <c>updated</c> or <c>deleted</c>.</param>
/// <param name="Before">Null where there was no limit.</param>
/// <param name="After">Null where there is none any more.</param>
public sealed record SpendLimitChange(
    string Type, long Id, string CreatedAt, string Action, object Actor, string? SpendLimitId, Dictionary<string, string> Scope, string? Period, LimitAmount? Before, LimitAmount? After);

/// <param name="Amount">Cents; null for no limit.</param>
public sealed record LimitAmount(string? Amount, string? Mode);

/// <summary>
/// Where limits stand and who changed them: <c>/v1/organizations/spend_limits/effective</c> (Spend Limits API, with the Claude apps
/// gateway's <c>q</c>, <c>sort</c> and <c>groups</c>) and <c>/audit</c>.
/// </summary>
public sealed class SpendLimitViews(Store store, Snapshots snapshots)
{
    private const int ChangesAtOnce = 100;
    private const int MostAtOnce = 1000;
    private const string ChangePrefix = "demarc_spend_limit_";

    private static readonly string[] Changes = ["created", "updated", "deleted"];

    /// <summary>
    /// Each person's limit by period, where it comes from, and what was spent of it. With <c>scope_type</c> (Demarc's own) of another
    /// kind than <c>user</c>, the budgets of that kind that people have together.
    /// </summary>
    public async Task<AdminAnswer> EffectiveAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.User);
        var (names, sort) = (request.QueryAll("period"), request.Query("sort"));
        problem ??= names.FirstOrDefault(p => !LimitPeriods.TryParse(p, out _)) is { } wrong ? AdminAnswer.Invalid("period", $"{wrong} is none of {string.Join(", ", LimitPeriods.Names)}.") : null;
        problem ??= request.IdProblem("page", Ids.User) ?? SpendLimitScope.Problem(request.Query("scope_type"));
        problem ??= sort is null or "spend_desc" ? null : AdminAnswer.Invalid("sort", "give spend_desc, or leave it out.");
        problem ??= sort is null || names.Length == 1 ? null : AdminAnswer.Invalid("sort", "give one period[] with it.");
        if (problem is not null)
            return problem;
        LimitPeriod[] periods = [.. Enum.GetValues<LimitPeriod>().Where(p => names.Length == 0 || names.Contains(p.Wire()))];
        if (request.Query("scope_type") is { } type and not "user")
            return await BudgetsAsync(request.OrganizationId, type, periods);

        var (users, next) = await UsersAsync(request, page with { AfterId = request.Query("page"), BeforeId = null }, sort is null ? null : periods[0]);
        var limits = await store.SpendLimits.AllAsync(request.OrganizationId);
        var groups = (await store.Groups.MembershipsAsync(request.OrganizationId, users.Select(u => u.Id))).ToLookup(g => g.MemberId, g => g.Name);
        var rows = new List<EffectiveLimit>();
        var spent = new Dictionary<LimitPeriod, Dictionary<string, long>>();
        foreach (var period in periods)
            spent[period] = await SpentAsync(request.OrganizationId, period, users);
        foreach (var user in users)
        {
            string[] own = [.. groups[user.Id]];
            foreach (var period in periods)
            {
                var limit = StoredLimits.Effective(limits, period, user.Id, own);
                var row = (EffectiveLimit.Of(user.Id, user, period, limit, spent[period].GetValueOrDefault(user.Id)) with { Groups = own })
                    .HeldBy(ConfiguredLimits.Of(snapshots.Current, request.OrganizationId, user.Id, user, own, period), limit?.AmountNano);
                if (limit is not null || row.Amount is not null)
                    rows.Add(row);
            }
        }
        return AdminAnswer.Of(new { Data = rows, NextPage = next });
    }

    /// <summary>Who changed which limit, newest first: <c>{"data":[…],"has_more","first_id","last_id"}</c>, by <c>limit</c> and <c>after_id</c>.</summary>
    public async Task<AdminAnswer> AuditAsync(AdminRequest request)
    {
        var (limit, after) = (ChangesAtOnce, 0L);
        if (request.Query("limit") is { } most && (!int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MostAtOnce))
            return AdminAnswer.Invalid("limit", $"give a whole number from 1 to {MostAtOnce}.");
        if (request.Query("after_id") is { } id && (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out after) || after < 1))
            return AdminAnswer.Invalid("after_id", "give the id of the last change of the page before.");
        var page = await store.Activities.ListAsync(new ActivitiesQuery
        {
            OrganizationId = request.OrganizationId,
            Types = [.. Changes.Select(c => ChangePrefix + c)],
            After = after > 0 ? after : null,
            Limit = limit,
        });
        return AdminAnswer.Page(page, Change, a => a.Position.ToString(CultureInfo.InvariantCulture));
    }

    private async Task<AdminAnswer> BudgetsAsync(string organizationId, string type, LimitPeriod[] periods)
    {
        var rows = new List<EffectiveLimit>();
        foreach (var limit in await store.SpendLimits.AllAsync(organizationId))
        {
            if (SpendLimits.Wire(limit.Scope) == type && periods.Contains(limit.Period) && StoredLimits.OneBudget(limit) is { } budget)
                rows.Add(await EffectiveLimit.OfAsync(store, organizationId, limit, budget));
        }
        return AdminAnswer.Of(new { Data = rows, NextPage = (string?)null });
    }

    // A page as the directory has it, or who is named; everybody only where they are to be searched or put in order.
    private async Task<(User[] Users, string? Next)> UsersAsync(AdminRequest request, PageRequest page, LimitPeriod? bySpend)
    {
        var (wanted, search) = (request.QueryAll("user_ids"), request.Query("q"));
        if (wanted.Length == 0 && search is null && bySpend is null)
        {
            var found = await store.Users.ListAsync(request.OrganizationId, page);
            return (found.Data, found.HasMore ? found.Data[^1].Id : null);
        }
        var users = wanted.Length > 0 ? await store.Users.FindAsync(request.OrganizationId, wanted)
            : await Pages.AllAsync(all => store.Users.ListAsync(request.OrganizationId, all), u => u.Id);
        User[] kept = [.. users.Where(u => search is null || Matches(u, search))];
        if (bySpend is { } period)
        {
            var spent = await SpentAsync(request.OrganizationId, period, kept);
            kept = [.. kept.OrderByDescending(u => spent.GetValueOrDefault(u.Id)).ThenBy(u => u.Id, StringComparer.Ordinal)];
        }
        var rest = kept[(Array.FindIndex(kept, u => u.Id == page.AfterId) + 1)..];
        return rest.Length > page.Limit ? (rest[..page.Limit], rest[page.Limit - 1].Id) : (rest, null);
    }

    private static bool Matches(User user, string search) =>
        new[] { user.Id, user.Email, user.Name }.Any(text => text?.Contains(search, StringComparison.OrdinalIgnoreCase) is true);

    private async Task<Dictionary<string, long>> SpentAsync(string organizationId, LimitPeriod kind, User[] users)
    {
        if (users.Length == 0)
            return [];
        var period = SpendPeriod.Of(kind, store.Time.GetUtcNow());
        var lines = await store.Spend.ListAsync(new SpendQuery(organizationId, new DateTimeOffset(period.Start, TimeOnly.MinValue, TimeSpan.Zero), period.Reset)
        {
            By = SpendDimensions.Principal,
            Only = new Dictionary<SpendDimensions, string[]> { [SpendDimensions.Principal] = [.. users.Select(u => u.Id)] },
        });
        return lines.GroupBy(l => l.PrincipalId!).ToDictionary(g => g.Key, g => g.Sum(l => l.NanoUsd));
    }

    private static SpendLimitChange Change(Activity activity)
    {
        var e = JsonSerializer.Deserialize(activity.Body, RecordJson.Default.EventRecord)!;
        var action = activity.Type[ChangePrefix.Length..];
        var type = e.Fields.GetValueOrDefault("scope") ?? "";
        var scope = new Dictionary<string, string> { ["type"] = type };
        if (e.Fields.GetValueOrDefault("target") is { } target)
            scope[type + "_id"] = target;
        return new(
            "spend_limit_change", activity.Position, Rfc3339.Text(activity.At), action, Actor(e.Actor), e.Fields.GetValueOrDefault("spend_limit_id"), scope, e.Fields.GetValueOrDefault("period"),
            action == "created" ? null : Amount("before"), action == "deleted" ? null : Amount("after"));

        LimitAmount Amount(string when) => new(
            long.TryParse(e.Fields.GetValueOrDefault($"amount_nano_usd_{when}"), NumberStyles.None, CultureInfo.InvariantCulture, out var nano) ? SpendAmount.Cents(nano) : null,
            e.Fields.GetValueOrDefault($"mode_{when}"));
    }

    private static object Actor(ActorRecord actor) =>
        actor.KeyId is null ? new { Type = "command_line_actor", Name = actor.Id }
        : actor.KeyId.StartsWith(Ids.ApiKey, StringComparison.Ordinal) ? new { Type = "scoped_api_key_actor", ScopedApiKeyId = actor.KeyId }
        : new { Type = "user_actor", UserId = actor.Id, EmailAddress = actor.Email };
}
