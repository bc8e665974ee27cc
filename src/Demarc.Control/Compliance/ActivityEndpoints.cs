using Demarc.Control.AdminApi;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Compliance;

/// <summary><c>GET /v1/compliance/activities</c> (Compliance API, "Query the Activity Feed").</summary>
public sealed class ActivityEndpoints(Store store, DataPaths paths)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 5000;
    private const int MaxTypeLength = 64;

    private static readonly string[] Single = ["created_at.gte", "created_at.gt", "created_at.lte", "created_at.lt", "after_id", "before_id", "limit", "order"];
    private static readonly string[] Lists = ["activity_types", "exclude_activity_types", "actor_ids", "user_ids", "organization_ids"];

    /// <summary><c>{"data":[…],"has_more","first_id","last_id"}</c>, newest first unless <c>order=asc</c>.</summary>
    public async Task<AdminAnswer> ListAsync(ComplianceRequest request)
    {
        var query = new ComplianceQuery(request.Query, Single, Lists);
        var ascending = query.IsSecond("order", "desc", "asc");
        var (wanted, isOurs) = Read(query, request.OrganizationId);
        var (after, before) = (query.Text("after_id"), query.Text("before_id"));
        if (after is not null && before is not null)
            query.Wrong("Only one of `after_id` and `before_id` can be set.");
        var cursor = await CursorAsync(query, request.OrganizationId, after is null ? "before_id" : "after_id");
        if (query.Problem is not null)
            return query.Problem;

        // Positions rise with time: which side of the cursor to read follows from both orders.
        var newer = ascending == (before is null);
        var page = !isOurs
            ? new Page<Activity>([], false)
            : await store.Activities.ListAsync(newer ? wanted with { Before = cursor ?? 0 } : wanted with { After = cursor });
        var data = ascending ? page.Data.Reverse().ToArray() : page.Data;
        var read = Array.ConvertAll(data, ActivityJson.Of);
        return new AdminAnswer(200, ActivityJson.Page(
            request.OrganizationId, read, page.HasMore, await paths.OfAsync(request.OrganizationId, read.Select(r => r.Boundary).OfType<string>().Distinct())));
    }

    private static (ActivitiesQuery Wanted, bool IsOurs) Read(ComplianceQuery query, string organizationId)
    {
        var (types, excluded) = (query.Texts("activity_types"), query.Texts("exclude_activity_types"));
        if (types.Length > 0 && excluded.Length > 0)
            query.Wrong("`activity_types[]` cannot be combined with `exclude_activity_types[]`.");
        if (types.Concat(excluded).FirstOrDefault(t => t.Length > MaxTypeLength || !t.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) is { } type)
            query.Wrong($"\"{ComplianceQuery.Printable(type)}\" is no activity type.");
        string[] actors = [.. query.Texts("actor_ids"), .. query.Texts("user_ids")];
        if (actors.FirstOrDefault(a => !Ids.TryParse(Ids.User, a, out _) && !Ids.TryParse(Ids.ServiceAccount, a, out _)) is { } actor)
            query.Wrong($"\"{ComplianceQuery.Printable(actor)}\" is no actor ID ({Ids.User}… or {Ids.ServiceAccount}…).");
        var organizations = query.Texts("organization_ids");
        if (organizations.FirstOrDefault(o => OrganizationUuid.Parse(o) is null) is { } organization)
            query.Wrong($"\"{ComplianceQuery.Printable(organization)}\" is no organization ID ({Ids.Organization}… or a UUID).");
        var wanted = new ActivitiesQuery
        {
            OrganizationId = organizationId,
            Types = types,
            ExcludedTypes = excluded,
            ActorIds = actors,
            From = Later(query.Time("created_at.gte"), query.Time("created_at.gt", past: true)),
            To = Earlier(query.Time("created_at.lt"), query.Time("created_at.lte", past: true)),
            Limit = query.Limit(DefaultLimit, MaxLimit),
        };
        return (wanted, organizations.Length == 0 || organizations.Any(o => OrganizationUuid.Parse(o) == OrganizationUuid.Parse(organizationId)));
    }

    private async Task<long?> CursorAsync(ComplianceQuery query, string organizationId, string name)
    {
        if (query.Text(name) is not { } id)
            return null;
        var position = Ids.TryParse(Ids.Activity, id, out var request) ? await store.Activities.PositionAsync(organizationId, request) : null;
        if (position is null)
            query.Wrong($"Invalid `{name}`. No activity found for `{name}` \"{ComplianceQuery.Printable(id)}\"");
        return position;
    }

    private static long? Later(long? one, long? other) => one is null ? other : other is null ? one : Math.Max(one.Value, other.Value);

    private static long? Earlier(long? one, long? other) => one is null ? other : other is null ? one : Math.Min(one.Value, other.Value);
}

/// <summary>An organization's UUID: the one in its id.</summary>
internal static class OrganizationUuid
{
    public static string? Of(string organizationId) => Parse(organizationId)?.ToString("D");

    /// <summary>From <c>org_…</c> or the UUID itself; null for neither.</summary>
    public static Guid? Parse(string id) =>
        Ids.TryParse(Ids.Organization, id, out var uuid) || Guid.TryParseExact(id, "D", out uuid) ? uuid : null;
}
