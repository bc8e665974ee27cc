using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Identity.Scim;
using Xunit;

namespace Demarc.Tests.Identity.Roles;

/// <summary>Who decides on the members of a group that gives a role, where a second administrator approves roles.</summary>
public sealed class GroupRoleTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    private SignInPlace _place = null!;
    private Store _store = null!;
    private MasterKey _master = null!;
    private string _organization = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await SignInPlace.StartAsync(rest: $$"""
            approvals: [roles]
            scim: { tokens: [{{ScimPlace.Token}}] }
            roles:
              assignments:
                - { role: security_auditor, groups: [developers] }
            """);
        _store = await _place.Gateway.OpenStoreAsync();
        _master = new(Convert.FromBase64String(await File.ReadAllTextAsync(Path.Combine(_place.Gateway.DataDirectory, "master.key"))));
        _organization = (await _place.Gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task Into_a_group_that_was_made_here_and_gives_a_role_two_administrators_put_somebody_and_nobody_else()
    {
        var group = (await _store.Groups.CreateAsync(_organization, "developers", RolePlace.Actor))!;
        var (first, firstToken) = await SignedInAsync("first", "admin");
        var (_, secondToken) = await SignedInAsync("second", "admin");
        var (person, personToken) = await SignedInAsync("person");
        var members = $"/v1/organizations/rbac_groups/{group.Id}/members";

        // 1 an administrator alone, and for oneself
        var (status, held) = await AskAsync(firstToken, "POST", members, $$"""{"user_id":"{{person.Id}}"}""");
        Assert.True(status == 202, held.ToString());
        Assert.Equal(("roles", "put person@contoso.example into the group developers, which gives security_auditor"), (held.GetProperty("kind").GetString(), held.GetProperty("summary").GetString()));
        Assert.Equal(403, (await AskAsync(personToken, "GET", "/v1/organizations/users")).Status);
        var own = await AskAsync(firstToken, "POST", members, $$"""{"user_id":"{{first.Id}}"}""");
        Assert.True(own.Status == 403 && own.Json.ToString().Contains("Nobody raises", StringComparison.Ordinal), own.ToString());

        // 2 the directory, an issuer, the command line
        var refused = await AskAsync(ScimPlace.Token, "PATCH", $"/scim/v2/Groups/{group.Id}", $$"""{"Operations":[{"op":"add","path":"members","value":[{"value":"{{person.Id}}"}]}]}""");
        Assert.True(refused.Status == 403 && refused.Json.GetProperty("detail").GetString()!.Contains("second administrator", StringComparison.Ordinal), refused.ToString());
        Assert.Equal(403, (await AskAsync(ScimPlace.Token, "PUT", $"/scim/v2/Groups/{group.Id}", $$"""{"displayName":"developers","externalId":"x","members":[{"value":"{{person.Id}}"}]}""")).Status);
        Assert.Equal(403, (await AskAsync(ScimPlace.Token, "DELETE", $"/scim/v2/Groups/{group.Id}")).Status);
        await _place.SignInAsync("zed");
        Assert.Contains("(approvals)", await DemarcCommand.FailsAsync(
            1, _place.Gateway.DataDirectory, "group", "add", "developers", person.Email, "--config", Path.Combine(_place.Gateway.DataDirectory, "demarc.yaml"), "--data", _place.Gateway.DataDirectory), StringComparison.Ordinal);
        Assert.Empty(await _store.Groups.MembersAsync(_organization, group.Id));

        // 3 a second one
        var (approved, made) = await AskAsync(secondToken, "POST", $"/v1/organizations/changes/{held.GetProperty("id").GetString()}/approve", "{}");
        Assert.True(approved == 200, made.ToString());
        Assert.Equal((group.Id, person.Id, "rbac_group_member"), (made.GetProperty("answer").GetProperty("group_id").GetString(), made.GetProperty("answer").GetProperty("user_id").GetString(), made.GetProperty("answer").GetProperty("type").GetString()));
        await GatewayPlace.UntilAsync(Bound, async () => (await AskAsync(personToken, "GET", "/v1/organizations/users")).Status == 200);
        Assert.Equal(202, (await AskAsync(secondToken, "DELETE", $"{members}/{person.Id}")).Status);
    }

    [Fact]
    public async Task Of_its_own_group_the_directory_decides_and_of_one_that_gives_nothing_an_administrator()
    {
        var (_, admin) = await SignedInAsync("alone", "admin");
        var (person, token) = await SignedInAsync("watcher");
        var watchers = (await AskAsync(ScimPlace.Token, "POST", "/scim/v2/Groups", """{"displayName":"watchers"}""")).Json.GetProperty("id").GetString()!;
        await _store.RoleAssignments.AssignAsync(_organization, new NewRoleAssignment("security_auditor", false, "group", watchers, RoleScope.Organization), RolePlace.Actor);

        Assert.Equal(204, (await AskAsync(ScimPlace.Token, "PATCH", $"/scim/v2/Groups/{watchers}", $$"""{"Operations":[{"op":"Add","path":"members","value":[{"value":"{{person.Id}}"}]}]}""")).Status);
        await GatewayPlace.UntilAsync(Bound, async () => (await AskAsync(token, "GET", "/v1/organizations/users")).Status == 200);
        Assert.Equal(409, (await AskAsync(admin, "DELETE", $"/v1/organizations/rbac_groups/{watchers}/members/{person.Id}")).Status);

        var friends = (await _store.Groups.CreateAsync(_organization, "friends", RolePlace.Actor))!;
        var members = $"/v1/organizations/rbac_groups/{friends.Id}/members";
        Assert.Equal((200, "watcher@contoso.example"), await AskAsync(admin, "POST", members, $$"""{"user_id":"{{person.Id}}"}""") is var (added, json) ? (added, json.GetProperty("email").GetString()) : default);
        Assert.Equal([person.Id], await _store.Groups.MembersAsync(_organization, friends.Id));
        Assert.Equal(400, (await AskAsync(admin, "POST", members, """{"user_id":"user_x"}""")).Status);
        Assert.Equal(400, (await AskAsync(admin, "POST", members, """{"user":"user_x"}""")).Status);
        Assert.Equal(404, (await AskAsync(admin, "POST", "/v1/organizations/rbac_groups/rbac_group_x/members", $$"""{"user_id":"{{person.Id}}"}""")).Status);
        Assert.Equal("rbac_group_member_deleted", (await AskAsync(admin, "DELETE", $"{members}/{person.Id}")).Json.GetProperty("type").GetString());
        Assert.Empty(await _store.Groups.MembersAsync(_organization, friends.Id));
    }

    private async Task<(User Person, string Token)> SignedInAsync(string name, params string[] roles)
    {
        var person = await RolePlace.PersonAsync(_store, _organization, name, roles);
        return (person, await RolePlace.TokenAsync(_store, _master, person));
    }

    private async Task<(int Status, JsonElement Json)> AskAsync(string token, string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_place.Gateway.Url, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _place.Gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }
}
