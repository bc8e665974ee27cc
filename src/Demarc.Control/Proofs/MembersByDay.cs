using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Proofs;

/// <summary>Who belonged to the organization at the end of each day, with role and groups, out of the events that made it so.</summary>
internal static class MembersByDay
{
    public static readonly string[] Columns = ["day", "id", "type", "name", "role", "status", "groups"];

    private static readonly string[] Types =
    [
        "demarc_user_created", "demarc_user_updated", "claude_user_role_updated", "demarc_user_removed",
        "scim_user_created", "scim_user_updated", "scim_user_deleted",
        "demarc_service_account_created", "demarc_service_account_updated", "platform_service_account_archived",
        "group_created", "group_updated", "group_member_added", "group_member_removed", "group_deleted",
    ];

    public static async IAsyncEnumerable<string[]> OfAsync(Store store, string organizationId, DateOnly from, DateOnly to)
    {
        var members = new SortedDictionary<string, Member>(StringComparer.Ordinal);
        var groups = new Dictionary<string, Group>(StringComparer.Ordinal);
        var query = new ActivitiesQuery { OrganizationId = organizationId, Types = Types, Limit = 1000, Before = 0 };
        var rest = new Queue<Activity>();
        for (var day = from; day <= to; day = day.AddDays(1))
        {
            var end = new DateTimeOffset(day.AddDays(1).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeMilliseconds();
            while (rest.Count > 0 || await MoreAsync())
            {
                if (rest.Peek().At >= end)
                    break;
                Apply(JsonSerializer.Deserialize(rest.Dequeue().Body, RecordJson.Default.EventRecord)!, members, groups);
            }
            foreach (var (id, member) in members)
                yield return
                [
                    day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), id, member.Type, member.Name, member.Role, member.Status,
                    string.Join(' ', groups.Values.Where(g => g.Members.Contains(id)).Select(g => g.Name).Order(StringComparer.Ordinal)),
                ];
        }

        async Task<bool> MoreAsync()
        {
            var page = await store.Activities.ListAsync(query);
            // The page is newest first; the walk goes towards the newest.
            foreach (var activity in page.Data.Reverse())
                rest.Enqueue(activity);
            if (page.Data.Length > 0)
                query = query with { Before = page.Data[0].Position };
            return page.Data.Length > 0;
        }
    }

    private static void Apply(EventRecord e, SortedDictionary<string, Member> members, Dictionary<string, Group> groups)
    {
        var id = e.Fields.GetValueOrDefault("user_id") ?? e.Fields.GetValueOrDefault("service_account_id") ?? e.Fields.GetValueOrDefault("group_id") ?? "";
        string? Field(string name) => e.Fields.GetValueOrDefault(name);
        switch (e.Type)
        {
            case "demarc_user_created" or "scim_user_created":
                members[id] = new Member("user", Field("email") ?? Field("user_email") ?? "", Field("role") ?? "", Field("status") ?? "active");
                break;
            case "demarc_user_removed" or "scim_user_deleted":
                members.Remove(id);
                break;
            case "demarc_service_account_created":
                members[id] = new Member("service_account", Field("name") ?? "", Field("role") ?? "", "active");
                break;
            case "demarc_user_updated" or "scim_user_updated" or "claude_user_role_updated" or "demarc_service_account_updated" or "platform_service_account_archived" when members.TryGetValue(id, out var member):
                // A person goes by the address.
                members[id] = member with
                {
                    Name = Field(member.Type == "user" ? "user_email" : "name") ?? member.Name,
                    Role = Field("current_role") ?? member.Role,
                    Status = Field("status") ?? Field("current_status") ?? member.Status,
                };
                break;
            case "group_created":
                groups[id] = new Group(Field("group_name") ?? id, []);
                break;
            case "group_updated" when groups.TryGetValue(id, out var group):
                groups[id] = group with { Name = Field("group_name") ?? group.Name };
                break;
            case "group_member_added" when groups.TryGetValue(id, out var group):
                group.Members.UnionWith(Words(Field("member_ids")));
                break;
            case "group_member_removed" when groups.TryGetValue(id, out var group):
                group.Members.ExceptWith(Words(Field("member_ids")));
                break;
            case "group_deleted":
                groups.Remove(id);
                break;
        }
    }

    private static string[] Words(string? text) => text?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

    private sealed record Member(string Type, string Name, string Role, string Status);

    private sealed record Group(string Name, HashSet<string> Members);
}
