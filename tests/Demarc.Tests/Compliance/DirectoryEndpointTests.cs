using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Compliance;

/// <summary>Organizations, users, roles, groups and settings in the Compliance API's shapes.</summary>
public sealed class DirectoryEndpointTests
{
    private static readonly ActorRecord Actor = new("cli", "test");

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task An_auditor_walks_the_directory_by_page_tokens(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await using var store = await place.OpenStoreAsync();
        var organization = (await store.Organizations.ListAsync())[0];
        var group = (await store.Groups.CreateAsync(organization.Id, "payments", Actor))!;
        await store.Groups.CreateAsync(organization.Id, "platform", Actor);
        var people = new List<User>();
        for (var i = 0; i < 5; i++)
            people.Add((await store.Users.CreateAsync(organization.Id, $"p{i}@contoso.example", $"Person {i}", i == 0 ? "some_role" : "developer", Actor))!);
        await store.Groups.UpdateMembersAsync(organization.Id, group.Id, [.. people.Select(p => p.Id)], [], Actor);
        await store.Users.UpdateAsync(organization.Id, people[4].Id, Actor, status: "inactive");

        var organizations = await place.GetAsync("/v1/compliance/organizations");
        Assert.Equal((JsonValueKind.Null, false), (organizations.GetProperty("next_page").ValueKind, organizations.GetProperty("has_more").GetBoolean()));
        var uuid = Assert.Single(organizations.Data()).Text("uuid")!;
        Assert.Equal(organization.Name, organizations.Data()[0].Text("name"));

        var users = await place.WalkAsync($"/v1/compliance/organizations/{uuid}/users?limit=2");
        // The quickstart's two, and those who are active; oldest first.
        Assert.Equal(6, users.Count);
        Assert.Equal(users.Select(u => u.Text("created_at")).Order(StringComparer.Ordinal), users.Select(u => u.Text("created_at")));
        // Ids of the same millisecond stand in any order.
        Assert.Equal(["user", "developer"], users.Where(u => u.Text("email") is "p0@contoso.example" or "p1@contoso.example").OrderBy(u => u.Text("email")).Select(u => u.Text("organization_role")));
        Assert.Equal("Person 0", users.Single(u => u.Text("id") == people[0].Id).Text("full_name"));

        var groups = await place.WalkAsync("/v1/compliance/groups?limit=1&name_prefix=p");
        Assert.Equal(["payments", "platform"], groups.Select(g => g.Text("name")).Order());
        Assert.Equal(["payments"], (await place.WalkAsync("/v1/compliance/groups?name_prefix=pay")).Select(g => g.Text("name")));
        var one = await place.GetAsync($"/v1/compliance/groups/{group.Id}");
        Assert.Equal((group.Id, "direct"), (one.Text("id"), one.Text("source_type")));
        var members = await place.WalkAsync($"/v1/compliance/groups/{group.Id}/members?limit=3");
        Assert.Equal(people[..4].Select(p => (p.Id, p.Email)).Order(), members.Select(m => (m.Text("user_id")!, m.Text("email")!)).Order());

        Assert.Empty((await place.GetAsync($"/v1/compliance/organizations/{uuid}/roles")).Data());
    }

    [Fact]
    public async Task Roles_of_the_configuration_are_listed_with_what_they_permit()
    {
        await using var place = await ProxyPlace.StartAsync(
            StoreKind.Sqlite, "  - { capture: full }\nroles: { custom: { helpdesk: [users.read, keys.read] } }", logging => logging.ClearProviders());
        var uuid = (await place.GetAsync("/v1/compliance/organizations")).Data()[0].Text("uuid");
        var roles = $"/v1/compliance/organizations/{uuid}/roles";

        Assert.Equal([("rbac_role_helpdesk", "helpdesk")], (await place.GetAsync(roles)).Data().Select(r => (r.Text("id")!, r.Text("name")!)));
        Assert.Equal("helpdesk", (await place.GetAsync($"{roles}/rbac_role_helpdesk")).Text("name"));
        Assert.Equal(
            ["keys read", "users read"],
            (await place.GetAsync($"{roles}/rbac_role_helpdesk/permissions")).Data().Select(p => $"{p.Text("resource_type")} {p.Text("action")}"));
        Assert.Equal((404, "not_found_error", "Role not found."), await place.RefusedAsync($"{roles}/rbac_role_owner"));
    }

    [Fact]
    public async Task Settings_say_what_is_in_force_and_which_keys_read()
    {
        await using var place = await ProxyPlace.StartAsync();
        var uuid = (await place.GetAsync("/v1/compliance/organizations")).Data()[0].Text("uuid");

        var settings = await place.GetAsync($"/v1/compliance/organizations/{uuid}/settings");

        Assert.Equal(("effective_organization_settings", uuid), (settings.Text("type"), settings.Text("organization_id")));
        var rows = settings.GetProperty("settings").EnumerateArray().ToDictionary(r => r.Text("name")!);
        Assert.Equal(("boolean", false), (rows["sso_enabled"].Text("type"), rows["sso_enabled"].GetProperty("value").GetBoolean()));
        Assert.Equal("login_only", rows["sso_provisioning_mode"].Text("value"));
        Assert.False(rows["directory_sync_enabled"].GetProperty("value").GetBoolean());
        Assert.Equal(("fixed", "day", 180), Period(rows["data_retention_periods"].GetProperty("value").GetProperty("local_session")));
        Assert.False(rows["ip_allowlist_enabled"].GetProperty("value").GetBoolean());
        Assert.Equal(0, rows["ip_allowlist_ip_ranges"].GetProperty("value").GetArrayLength());
        var key = Assert.Single(settings.GetProperty("api_keys").EnumerateArray().ToArray());
        Assert.Equal((true, "compliance_api_key"), (key.GetProperty("is_active").GetBoolean(), key.Text("type")));
        Assert.Contains("read:compliance_org_data", key.GetProperty("scopes").EnumerateArray().Select(s => s.GetString()));
        Assert.DoesNotContain(place.Keys["compliance_key"], settings.ToString(), StringComparison.Ordinal);
    }

    private static (string? Type, string? Scale, int Duration) Period(JsonElement period) => (period.Text("type"), period.Text("timescale"), period.GetProperty("duration").GetInt32());

    [Fact]
    public async Task What_is_unknown_forged_or_foreign_is_refused_in_the_vendors_words()
    {
        await using var place = await ProxyPlace.StartAsync();
        const string other = "ce86b5f3-7c16-48b3-a9f3-e1d2c4b8a0f1";
        var uuid = (await place.GetAsync("/v1/compliance/organizations")).Data()[0].Text("uuid");
        var page = (await place.GetAsync($"/v1/compliance/organizations/{uuid}/users?limit=1")).Text("next_page")!;

        Assert.Equal((404, "not_found_error", $"The \"{other}\" organization does not exist or the requester is not authorized to access it."), await place.RefusedAsync($"/v1/compliance/organizations/{other}/users"));
        Assert.Equal(404, (await place.RefusedAsync($"/v1/compliance/organizations/{other}/roles")).Status);
        Assert.Equal((404, "not_found_error", $"organization `{other}` not found in this organization's hierarchy"), await place.RefusedAsync($"/v1/compliance/organizations/{other}/settings"));
        Assert.Equal((404, "not_found_error", "organization `x` not found in this organization's hierarchy"), await place.RefusedAsync("/v1/compliance/organizations/x/settings"));
        Assert.Equal((404, "not_found_error", "Group not found."), await place.RefusedAsync("/v1/compliance/groups/rbac_group_1/members"));
        Assert.Equal((404, "not_found_error", "Group not found."), await place.RefusedAsync("/v1/compliance/groups/rbac_group_1"));
        Assert.Equal((404, "not_found_error", "Role not found."), await place.RefusedAsync($"/v1/compliance/organizations/{uuid}/roles/rbac_role_1"));
        Assert.Equal((404, "not_found_error", "Role not found."), await place.RefusedAsync($"/v1/compliance/organizations/{uuid}/roles/rbac_role_1/permissions"));
        // A token of one listing is none of another, nor when it was altered.
        foreach (var forged in new[] { $"/v1/compliance/groups?page={page}", $"/v1/compliance/organizations/{uuid}/users?page={page}x", "/v1/compliance/organizations?page=x", $"/v1/compliance/organizations/{uuid}/roles?page=x" })
            Assert.Equal((400, "invalid_request_error", "The page parameter is not a valid cursor for this request."), await place.RefusedAsync(forged));
        Assert.Equal(400, (await place.RefusedAsync("/v1/compliance/groups?limit=1001")).Status);
        Assert.Equal(400, (await place.RefusedAsync("/v1/compliance/groups?limit=0")).Status);
        Assert.Equal(400, (await place.RefusedAsync("/v1/compliance/groups?nmae_prefix=x")).Status);
        Assert.Equal(403, (await place.RefusedAsync("/v1/compliance/organizations", "admin_key")).Status);
        Assert.Equal(401, (await place.RefusedAsync("/v1/compliance/organizations", "developer_key")).Status);
    }
}
