using Demarc.Control.AdminApi;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Compliance;

/// <summary>
/// The directory in the Compliance API's shapes ("List organizations, users, roles, groups, and settings"): organizations,
/// their users, groups and members.
/// </summary>
public sealed class DirectoryEndpoints(Store store, PageTokens tokens)
{
    private const int DefaultLimit = 500;
    private const int MaxLimit = 1000;

    // The vendor's closed list of built-in roles.
    private static readonly HashSet<string> BuiltIn = ["admin", "billing", "claude_code_user", "developer", "managed", "membership_admin", "owner", "primary_owner", "user"];

    /// <summary><c>{"data":[{"uuid","name","created_at"}],"has_more","next_page"}</c>.</summary>
    public async Task<AdminAnswer> OrganizationsAsync(ComplianceRequest request)
    {
        var query = new ComplianceQuery(request.Query, ["limit", "page"]);
        _ = query.Limit(MaxLimit, MaxLimit);
        // The one organization there is makes one page.
        if (query.Text("page") is not null)
            query.Wrong(ComplianceListing.WrongPage);
        if (query.Problem is not null)
            return query.Problem;
        var organizations = (await store.Organizations.ListAsync()).Where(o => o.Id == request.OrganizationId);
        return AdminAnswer.Of(new ComplianceListing(
            [.. organizations.Select(o => new { Uuid = OrganizationUuid.Of(o.Id), o.Name, CreatedAt = Rfc3339.Text(o.CreatedAt) })], false, null));
    }

    /// <summary>Active users: <c>{"id","full_name","email","organization_role","created_at"}</c>, oldest first.</summary>
    public Task<AdminAnswer> UsersAsync(ComplianceRequest request) =>
        Organization(request) is { } unknown ? Task.FromResult(unknown)
        : ListAsync(request, "users", (after, limit, _) => store.Listings.UsersAsync(request.OrganizationId, after, limit), u => u.Id, u => new
        {
            u.Id,
            FullName = u.Name,
            u.Email,
            OrganizationRole = BuiltIn.Contains(u.Role) ? u.Role : "user",
            CreatedAt = Rfc3339.Text(u.CreatedAt),
        });

    /// <summary>Groups: <c>{"id","name","description","source_type","roles","created_at","updated_at"}</c>, oldest first.</summary>
    public Task<AdminAnswer> GroupsAsync(ComplianceRequest request) =>
        ListAsync(request, "groups", (after, limit, query) => store.Listings.GroupsAsync(request.OrganizationId, query.Text("name_prefix") ?? "", after, limit), g => g.Id, Shape, "name_prefix");

    public async Task<AdminAnswer> GroupAsync(ComplianceRequest request)
    {
        var query = new ComplianceQuery(request.Query, []);
        return query.Problem ?? (await store.Listings.GroupAsync(request.OrganizationId, request.Path("group_id")) is { } group ? AdminAnswer.Of(Shape(group)) : NoGroup);
    }

    /// <summary>Active people of a group: <c>{"user_id","email","created_at","updated_at"}</c>; since when is not kept.</summary>
    public async Task<AdminAnswer> MembersAsync(ComplianceRequest request)
    {
        var groupId = request.Path("group_id");
        if (await store.Listings.GroupAsync(request.OrganizationId, groupId) is null)
            return NoGroup;
        return await ListAsync(request, "members " + groupId, (after, limit, _) => store.Listings.MembersAsync(request.OrganizationId, groupId, after, limit), m => m.UserId, m => new
        {
            m.UserId,
            m.Email,
            CreatedAt = (string?)null,
            UpdatedAt = (string?)null,
        });
    }

    private static readonly AdminAnswer NoGroup = AdminAnswer.NotFound("Group not found.");

    /// <summary>The refusal of a path's organization that is not the key's own; null where it is.</summary>
    internal static AdminAnswer? Organization(ComplianceRequest request)
    {
        var asked = request.Path("organization");
        return OrganizationUuid.Parse(asked) == OrganizationUuid.Parse(request.OrganizationId) ? null
            : AdminAnswer.NotFound($"The \"{ComplianceQuery.Printable(asked)}\" organization does not exist or the requester is not authorized to access it.");
    }

    private static object Shape(ListedGroup group) => new
    {
        group.Id,
        group.Name,
        Description = "",
        SourceType = group.Source == Groups.Directory ? "scim" : "direct",
        Roles = Array.Empty<string>(),
        CreatedAt = Rfc3339.Text(group.CreatedAt),
        UpdatedAt = Rfc3339.Text(group.ModifiedAt),
    };

    private async Task<AdminAnswer> ListAsync<T>(
        ComplianceRequest request, string what, Func<string, int, ComplianceQuery, Task<Page<T>>> read, Func<T, string> id, Func<T, object> shape, params string[] filters)
    {
        var query = new ComplianceQuery(request.Query, ["limit", "page", .. filters]);
        var limit = query.Limit(DefaultLimit, MaxLimit);
        var listing = $"directory\n{request.OrganizationId}\n{what}\n{string.Join('\n', filters.Select(f => query.Text(f)))}";
        var after = query.Text("page") is { } page ? tokens.Read(listing, page) : "";
        if (after is null)
            query.Wrong(ComplianceListing.WrongPage);
        if (query.Problem is not null)
            return query.Problem;
        var found = await read(after!, limit, query);
        return AdminAnswer.Of(new ComplianceListing([.. found.Data.Select(shape)], found.HasMore, found.HasMore ? tokens.Make(listing, id(found.Data[^1])) : null));
    }
}

/// <summary>A page of a listing with page tokens.</summary>
internal sealed record ComplianceListing(object[] Data, bool HasMore, string? NextPage)
{
    public const string WrongPage = "The page parameter is not a valid cursor for this request.";
}
