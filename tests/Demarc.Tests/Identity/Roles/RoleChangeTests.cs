using System.Diagnostics;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage.Directory;
using Demarc.Tests.AdminApi;
using Xunit;

namespace Demarc.Tests.Identity.Roles;

/// <summary>Who gives and takes roles, and what comes of it, over a real gateway.</summary>
public sealed class RoleChangeTests(GatewayPlace place) : IClassFixture<GatewayPlace>
{
    private const string Assignments = "/v1/organizations/role_assignments";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    private string Organization => place.Installation.Organization.Id;

    [Fact]
    public async Task What_a_signed_in_administrator_does_names_the_person()
    {
        var (person, token) = await SignedInAsync("names", "admin");
        Assert.Equal(200, (await AskAsync(token, "POST", "/v1/organizations/users", """{"email":"made-by-names@contoso.example","name":"Made"}""")).Status);

        var made = Assert.Single(await place.EventsAsync("demarc_user_created"), e => e.Fields["email"] == "made-by-names@contoso.example");
        Assert.Equal(("user", person.Id, person.Email), (made.Actor.Type, made.Actor.Id, made.Actor.Email));
        Assert.StartsWith(Ids.SignIn, made.Actor.KeyId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_holds_within_five_seconds_of_being_given_and_no_longer_than_it_is()
    {
        var (person, token) = await SignedInAsync("prompt");
        Assert.Equal(403, (await AskAsync(token, "GET", "/v1/organizations/users")).Status);

        var made = await place.AdminAsync(200, "POST", Assignments, $$"""{"role":"security_auditor","user_id":"{{person.Id}}"}""");
        await WithinAsync(async () => (await AskAsync(token, "GET", "/v1/organizations/users")).Status == 200);
        Assert.Equal(409, (await AskAsync(place.AdminKey, "POST", Assignments, $$"""{"role":"security_auditor","user_id":"{{person.Id}}"}""")).Status);
        await place.AdminAsync(200, "DELETE", $"{Assignments}/{made.GetProperty("id").GetString()}");
        await WithinAsync(async () => (await AskAsync(token, "GET", "/v1/organizations/users")).Status == 403);

        Assert.Contains(await place.EventsAsync("rbac_role_assigned"), e => e.Fields["member_id"] == person.Id && e.Fields["role"] == "security_auditor");
        Assert.Contains(await place.EventsAsync("rbac_role_unassigned"), e => e.Fields["member_id"] == person.Id);
    }

    [Fact]
    public async Task A_denial_wins_over_every_role_and_every_credential()
    {
        var (person, token) = await SignedInAsync("denied", "admin");
        var (_, key) = await place.KeyAsync(ApiKeyKind.Admin, user: person.Id);
        Assert.Equal(200, (await AskAsync(token, "GET", "/v1/organizations/users")).Status);
        var group = (await place.Store.Groups.CreateAsync(Organization, "suspended", RolePlace.Actor))!;
        await place.Store.Groups.UpdateMembersAsync(Organization, group.Id, [person.Id], [], RolePlace.Actor);
        await place.AdminAsync(200, "POST", Assignments, $$"""{"role":"security_auditor","group_id":"{{group.Id}}","effect":"deny"}""");

        await WithinAsync(async () => (await AskAsync(token, "GET", "/v1/organizations/users")).Status == 403);
        Assert.Equal(403, (await AskAsync(key, "GET", "/v1/organizations/users")).Status);
        // What the denied role does not permit stays permitted.
        Assert.Equal(400, (await AskAsync(token, "POST", "/v1/organizations/users", "{}")).Status);
    }

    [Fact]
    public async Task Nobody_raises_themselves()
    {
        var (person, token) = await SignedInAsync("climber", "admin");
        var group = (await place.Store.Groups.CreateAsync(Organization, "climbers", RolePlace.Actor))!;
        await place.Store.Groups.UpdateMembersAsync(Organization, group.Id, [person.Id], [], RolePlace.Actor);
        var denial = (await place.Store.RoleAssignments.AssignAsync(Organization, new NewRoleAssignment("billing", true, "user", person.Id, RoleScope.Organization), RolePlace.Actor))!;
        await WithinAsync(async () => (await AskAsync(token, "GET", "/v1/organizations/cost_report")).Status == 403);

        foreach (var (method, path, body) in new[]
        {
            ("POST", Assignments, $$"""{"role":"compliance_reviewer","user_id":"{{person.Id}}"}"""),
            ("POST", Assignments, $$"""{"role":"compliance_reviewer","group_id":"{{group.Id}}"}"""),
            ("POST", Assignments, $$"""{"role":"owner","user_id":"{{place.Admin.Id}}"}"""),
            ("DELETE", $"{Assignments}/{denial.Id}", null),
            ("POST", $"/v1/organizations/users/{person.Id}", """{"role":"owner"}"""),
            ("POST", $"/v1/organizations/users/{person.Id}", """{"role":"developer"}"""),
            ("POST", "/v1/organizations/users", """{"email":"accomplice@contoso.example","name":"A","role":"owner"}"""),
        })
        {
            var answer = await AskAsync(token, method, path, body);
            Assert.True(answer.Status == 403 && answer.Body.Contains("obody ", StringComparison.Ordinal), $"{method} {path} {body}: {answer}");
        }
        Assert.DoesNotContain(await place.EventsAsync("rbac_role_assigned"), e => e.Actor.Id == person.Id);
    }

    [Fact]
    public async Task Only_an_owner_changes_what_owners_may()
    {
        var (owner, ownerToken) = await SignedInAsync("sovereign", "owner");
        var (_, token) = await SignedInAsync("vizier", "admin");
        var body = $$"""{"role":"admin","user_id":"{{owner.Id}}","effect":"deny"}""";
        var refused = await AskAsync(token, "POST", Assignments, body);
        Assert.True(refused.Status == 403 && refused.Body.Contains("Only an owner", StringComparison.Ordinal), refused.Body);
        Assert.Equal(200, (await AskAsync(ownerToken, "POST", Assignments, $$"""{"role":"owner","user_id":"{{place.Admin.Id}}"}""")).Status);
    }

    [Fact]
    public async Task A_key_that_is_stronger_than_its_maker_is_not_made()
    {
        var (person, token) = await SignedInAsync("keymaker", "admin");
        Assert.Equal(200, (await AskAsync(token, "POST", "/v1/organizations/api_keys", $$"""{"name":"k","user_id":"{{person.Id}}","kind":"admin"}""")).Status);
        await place.Store.RoleAssignments.AssignAsync(Organization, new NewRoleAssignment("billing", true, "user", person.Id, RoleScope.Organization), RolePlace.Actor);
        await WithinAsync(async () => (await AskAsync(token, "POST", "/v1/organizations/api_keys", $$"""{"name":"k","user_id":"{{person.Id}}","kind":"admin"}""")).Status == 403);
        Assert.Equal(200, (await AskAsync(token, "POST", "/v1/organizations/api_keys", $$"""{"name":"k","user_id":"{{person.Id}}"}""")).Status);
    }

    [Fact]
    public async Task A_role_for_a_time_takes_somebody_elses_approval_and_ends_by_itself()
    {
        var (person, token) = await SignedInAsync("elevated", "developer");
        var asked = JsonSerializer.Deserialize<JsonElement>((await AskAsync(token, "POST", "/v1/me/role_requests", """{"role":"admin","reason":"incident 7","minutes":"30"}""")).Body);
        var id = asked.GetProperty("id").GetString()!;
        Assert.Equal(403, (await AskAsync(token, "POST", $"/v1/organizations/role_requests/{id}/approve", "{}")).Status);

        await place.AdminAsync(200, "POST", $"/v1/organizations/role_requests/{id}/approve", "{}");
        await WithinAsync(async () => (await AskAsync(token, "GET", "/v1/organizations/users")).Status == 200);
        Assert.Equal(409, (await AskAsync(place.AdminKey, "POST", $"/v1/organizations/role_requests/{id}/deny", "{}")).Status);
        // With the role in hand, still not for oneself.
        var again = JsonSerializer.Deserialize<JsonElement>((await AskAsync(token, "POST", "/v1/me/role_requests", """{"role":"admin","reason":"longer"}""")).Body).GetProperty("id").GetString()!;
        Assert.Equal(403, (await AskAsync(token, "POST", $"/v1/organizations/role_requests/{again}/approve", "{}")).Status);

        place.Time.Jump(TimeSpan.FromMinutes(31));
        await WithinAsync(async () => (await AskAsync(token, "GET", "/v1/organizations/users")).Status == 403);
        Assert.Equal("incident 7", Assert.Single(await place.EventsAsync("demarc_role_request_approved")).Fields["reason"]);
        Assert.NotNull(Assert.Single(await place.EventsAsync("rbac_role_assigned"), e => e.Fields["role_request_id"] == id).Fields["expires_at"]);
        Assert.Equal(person.Id, asked.GetProperty("user_id").GetString());
    }

    [Fact]
    public async Task A_service_account_approves_no_role_for_a_time()
    {
        var (person, token) = await SignedInAsync("asking", "developer");
        var account = (await place.Store.ServiceAccounts.CreateAsync(Organization, "approver", RolePlace.Actor))!;
        var (_, puppet) = await place.Store.ApiKeys.CreateAsync(new NewApiKey(Organization, ApiKeyKind.Admin, "approver", "service_account", account.Id), RolePlace.Actor);
        var id = JsonSerializer.Deserialize<JsonElement>((await AskAsync(token, "POST", "/v1/me/role_requests", """{"role":"admin","reason":"incident 8"}""")).Body).GetProperty("id").GetString()!;

        var refused = await AskAsync(puppet.Reveal(), "POST", $"/v1/organizations/role_requests/{id}/approve", "{}");

        Assert.True(refused.Status == 403 && refused.Body.Contains("A person approves", StringComparison.Ordinal), refused.ToString());
        Assert.Equal("pending", (await place.Store.RoleRequests.GetAsync(Organization, id))!.Status);
        Assert.DoesNotContain(await place.Store.RoleAssignments.ListAsync(Organization), a => a.MemberId == person.Id && a.Role == "admin");
        // To deny takes nobody's trust.
        Assert.Equal(200, (await AskAsync(puppet.Reveal(), "POST", $"/v1/organizations/role_requests/{id}/deny", "{}")).Status);
    }

    [Fact]
    public async Task What_a_signed_in_administrator_limits_names_the_person_in_the_audit()
    {
        var (person, token) = await SignedInAsync("thrifty", "admin");
        Assert.Equal(200, (await AskAsync(token, "POST", "/v1/organizations/spend_limits", """{"scope":{"type":"organization"},"amount":"99999999","period":"daily"}""")).Status);

        JsonElement change = default;
        await WithinAsync(async () =>
            (change = (await place.AdminAsync(200, "GET", "/v1/organizations/spend_limits/audit?limit=1")).GetProperty("data").EnumerateArray().FirstOrDefault()).ValueKind == JsonValueKind.Object);
        Assert.Equal(("user_actor", person.Id), (change.GetProperty("actor").GetProperty("type").GetString(), change.GetProperty("actor").GetProperty("user_id").GetString()));
    }

    [Theory]
    [InlineData("""{"role":"adminn","user_id":"USER"}""", 400, "role: there is no such role")]
    [InlineData("""{"role":"admin"}""", 400, "user_id: give one of")]
    [InlineData("""{"role":"admin","user_id":"user_x"}""", 400, "user_id: there is none")]
    [InlineData("""{"role":"admin","user_id":"USER","service_account_id":"svac_x"}""", 400, "give one of")]
    [InlineData("""{"role":"billing","user_id":"USER","resource":"main"}""", 400, "resource: the role billing has nothing that holds at a resource")]
    [InlineData("""{"role":"developer","user_id":"USER","resource":"elsewhere"}""", 400, "resource: there is no resource")]
    [InlineData("""{"role":"developer","user_id":"USER","deployment":"main"}""", 400, "deployment: there is no such deployment")]
    [InlineData("""{"role":"developer","user_id":"USER","workspace_id":"wrkspc_x"}""", 400, "workspace_id: there is no such workspace")]
    [InlineData("""{"role":"developer","user_id":"USER","resource":"main","deployment":"main/claude-haiku-4-5"}""", 400, "a role holds in one place")]
    [InlineData("""{"role":"developer","user_id":"USER","effect":"maybe"}""", 400, "effect: give allow or deny")]
    [InlineData("""{"role":"developer","user_id":"USER","expires_at":"2020-01-01T00:00:00Z"}""", 400, "expires_at: this time has passed")]
    [InlineData("""{"rol":"developer"}""", 400, "there is no such field")]
    public async Task An_assignment_that_cannot_be_says_why(string body, int status, string says)
    {
        var answer = await AskAsync(place.AdminKey, "POST", Assignments, body.Replace("USER", place.Admin.Id, StringComparison.Ordinal));
        Assert.True(answer.Status == status && answer.Body.Contains(says, StringComparison.Ordinal), answer.ToString());
    }

    [Fact]
    public async Task The_access_review_says_who_may_what_by_which_assignment_and_when_it_was_used()
    {
        var (person, token) = await SignedInAsync("reviewed", "security_auditor");
        var (keyId, key) = await place.KeyAsync(ApiKeyKind.Admin, user: person.Id);
        Assert.Equal(200, (await AskAsync(key, "GET", "/v1/organizations/me")).Status);

        var rows = new List<JsonElement>();
        string? next = null;
        do
        {
            var page = await place.AdminAsync(200, "GET", $"/v1/organizations/access_review?limit=2{(next is null ? "" : $"&page={next}")}");
            rows.AddRange(page.GetProperty("data").EnumerateArray());
            next = page.GetProperty("next_page").GetString();
        }
        while (next is not null);
        var own = rows.Where(r => r.GetProperty("principal_id").GetString() == person.Id).ToArray();
        var assigned = Assert.Single(own, r => r.GetProperty("role").GetString() == "security_auditor");
        Assert.StartsWith("rasg_", assigned.GetProperty("by").GetString(), StringComparison.Ordinal);
        Assert.NotNull(assigned.GetProperty("last_used_at").GetString());
        Assert.Equal(keyId, Assert.Single(own, r => r.GetProperty("role").GetString() == "admin").GetProperty("by").GetString());

        var csv = await AskAsync(token, "GET", "/v1/organizations/access_review?format=csv&limit=1000");
        Assert.StartsWith("principal_type,principal_id,name,status,role,effect,scope,permissions,by,through,expires_at,last_used_at\r\n", csv.Body, StringComparison.Ordinal);
        Assert.Contains($"reviewed@contoso.example,active,security_auditor,allow,organization,", csv.Body, StringComparison.Ordinal);
    }

    private async Task<(User Person, string Token)> SignedInAsync(string name, params string[] roles)
    {
        var person = await RolePlace.PersonAsync(place.Store, Organization, name, roles);
        return (person, await RolePlace.TokenAsync(place.Store, place.Installation.Master, person));
    }

    private Task<(int Status, string Body)> AskAsync(string credential, string method, string path, string? body = null) =>
        place.AskAsync(method, path, credential, body, "authorization");

    private static Task WithinAsync(Func<Task<bool>> holds) => GatewayPlace.UntilAsync(Bound, holds);
}
