using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity.Roles;
using Demarc.Simulator.Scripts;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Roles;

/// <summary>Roles at a resource, a deployment and a workspace decide where models are asked; changes for a second administrator.</summary>
public sealed class RoleScopeTests : IAsyncLifetime
{
    private GatewayFixture _gateway = null!;
    private Store _store = null!;
    private MasterKey _master = null!;
    private string _organization = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayFixture.StartAsync("""
            approvals: [aliases, roles]
            resources:
              - { name: east, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: one, model: claude-sonnet-4-5-20250929 }, { name: two, model: claude-haiku-4-5-20251001 }] }
              - { name: west, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: three, model: claude-sonnet-4-5-20250929 }] }
            aliases:
              both: [east/one, west/three]
            roles:
              assignments:
                - { role: foundry_user, users: [yaml@contoso.example], deployment: east/two }
                - { role: developer, groups: [barred], deny: true, resource: west }
            """);
        _store = await _gateway.OpenStoreAsync();
        _master = new(Convert.FromBase64String(await File.ReadAllTextAsync(Path.Combine(_gateway.DataDirectory, "master.key"))));
        _organization = (await _gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task A_role_at_a_resource_asks_its_deployments_and_no_others()
    {
        var (person, token) = await SignedInAsync("limited");
        await AssignAsync("foundry_user", person, new(ScopeKind.Resource, "east"));

        Assert.Equal(("east", "one"), await AskedAsync(token, "east/one"));
        Assert.Equal(("east", "two"), await AskedAsync(token, "east/two"));
        Assert.Equal(("east", "one"), await AskedAsync(token, "both"));
        await RefusedAsync(token, "west/three");
        using var listed = await SendAsync(token, HttpMethod.Get, "/v1/models", null);
        var models = await listed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"one\"", models, StringComparison.Ordinal);
        Assert.DoesNotContain("\"three\"", models, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_at_a_deployment_asks_that_one_and_no_model_beside_it()
    {
        var (_, token) = await SignedInAsync("yaml");

        Assert.Equal(("east", "two"), await AskedAsync(token, "east/two"));
        await RefusedAsync(token, "east/one");
        await RefusedAsync(token, "east/two", "\"fallbacks\":[{\"model\":\"claude-opus-4-7\"}],");
    }

    [Fact]
    public async Task A_denial_at_a_resource_takes_it_from_whoever_asks_everything_else()
    {
        var (person, token) = await SignedInAsync("barred", "developer");
        Assert.Equal(("west", "three"), await AskedAsync(token, "west/three"));
        var group = (await _store.Groups.CreateAsync(_organization, "barred", RolePlace.Actor))!;
        await _store.Groups.UpdateMembersAsync(_organization, group.Id, [person.Id], [], RolePlace.Actor);

        await AdminApi.GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => await StatusAsync(token, "west/three") == HttpStatusCode.BadRequest);
        Assert.Equal(("east", "one"), await AskedAsync(token, "both"));
    }

    [Fact]
    public async Task A_role_at_a_workspace_asks_with_its_keys_alone()
    {
        var (person, token) = await SignedInAsync("worker");
        var workspace = (await _store.Workspaces.CreateAsync(_organization, "Production", new Dictionary<string, string>(), RolePlace.Actor))!;
        await AssignAsync("developer", person, new(ScopeKind.Workspace, workspace.Id));
        var (_, inside) = await _store.ApiKeys.CreateAsync(new NewApiKey(_organization, Governance.Identity.ApiKeyKind.Inference, "in", "user", person.Id, workspace.Id), RolePlace.Actor);
        var (_, outside) = await _store.ApiKeys.CreateAsync(new NewApiKey(_organization, Governance.Identity.ApiKeyKind.Inference, "out", "user", person.Id), RolePlace.Actor);

        Assert.Equal(("east", "one"), await AskedAsync(inside.Reveal(), "both"));
        await RefusedAsync(outside.Reveal(), "both");
        await RefusedAsync(token, "both");
    }

    [Fact]
    public async Task A_stream_ends_within_five_seconds_of_the_role_being_taken_back()
    {
        var (person, token) = await SignedInAsync("streaming");
        var assigned = await AssignAsync("foundry_user", person, new(ScopeKind.Resource, "east"));
        _gateway.Simulator.Script.Set(new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        using var answer = await SendAsync(token, HttpMethod.Post, "/v1/messages", Body("east/one", "\"stream\":true,"), HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal("event: message_start", await reader.ReadLineAsync(TestContext.Current.CancellationToken));

        var begun = Stopwatch.GetTimestamp();
        Assert.True(await _store.RoleAssignments.RevokeAsync(_organization, assigned.Id, RolePlace.Actor));
        var rest = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(5), Stopwatch.GetElapsedTime(begun).ToString());
        Assert.Contains("event: error", rest, StringComparison.Ordinal);
        await RefusedAsync(token, "east/one");
    }

    [Fact]
    public async Task A_change_waits_for_a_second_administrator()
    {
        var (_, first) = await SignedInAsync("first", "admin");
        var (_, second) = await SignedInAsync("second", "admin");
        var (_, auditor) = await SignedInAsync("auditor", "security_auditor");

        var (status, asked) = await JsonAsync(first, HttpMethod.Put, "/v1/organizations/aliases/fast", """{"targets":["east/two"]}""");
        Assert.Equal((202, "pending", "aliases"), (status, asked.GetProperty("status").GetString()!, asked.GetProperty("kind").GetString()!));
        var id = asked.GetProperty("id").GetString()!;
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(first, "fast"));
        Assert.Equal(400, (await JsonAsync(first, HttpMethod.Put, "/v1/organizations/aliases/fast", """{"targets":["nowhere/two"]}""")).Status);

        Assert.Equal(403, (await JsonAsync(first, HttpMethod.Post, $"/v1/organizations/changes/{id}/approve", "{}")).Status);
        Assert.Equal(403, (await JsonAsync(auditor, HttpMethod.Post, $"/v1/organizations/changes/{id}/approve", "{}")).Status);
        var (approved, result) = await JsonAsync(second, HttpMethod.Post, $"/v1/organizations/changes/{id}/approve", "{}");
        Assert.True(approved == 200, result.ToString());
        Assert.Equal("fast", result.GetProperty("answer").GetProperty("name").GetString());
        Assert.Equal(("east", "two"), await AskedAsync(first, "fast"));
        Assert.Equal(409, (await JsonAsync(second, HttpMethod.Post, $"/v1/organizations/changes/{id}/approve", "{}")).Status);

        var denied = (await JsonAsync(first, HttpMethod.Delete, "/v1/organizations/aliases/fast", null)).Json.GetProperty("id").GetString();
        Assert.Equal("denied", (await JsonAsync(second, HttpMethod.Post, $"/v1/organizations/changes/{denied}/deny", "{}")).Json.GetProperty("status").GetString());
        Assert.Equal(("east", "two"), await AskedAsync(first, "fast"));
        var events = await _gateway.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%demarc_change_approved%'");
        Assert.Equal(1, events);
    }

    [Fact]
    public async Task An_administrator_makes_no_second_one_alone()
    {
        var (person, first) = await SignedInAsync("alone", "admin");
        var (_, second) = await SignedInAsync("other", "admin");
        var account = (await _store.ServiceAccounts.CreateAsync(_organization, "puppet", RolePlace.Actor))!;
        var (_, puppet) = await _store.ApiKeys.CreateAsync(new NewApiKey(_organization, Governance.Identity.ApiKeyKind.Admin, "puppet", "service_account", account.Id), RolePlace.Actor);
        const string made = """{"email":"made@contoso.example","name":"Made","role":"admin"}""";

        var (status, asked) = await JsonAsync(first, HttpMethod.Post, "/v1/organizations/users", made);
        Assert.Equal((202, "roles"), (status, asked.GetProperty("kind").GetString()!));
        Assert.Equal(202, (await JsonAsync(first, HttpMethod.Post, "/v1/organizations/api_keys", $$"""{"name":"k","kind":"admin","service_account_id":"{{account.Id}}"}""")).Status);
        Assert.Equal(200, (await JsonAsync(first, HttpMethod.Post, "/v1/organizations/api_keys", $$"""{"name":"own","kind":"admin","user_id":"{{person.Id}}"}""")).Status);
        Assert.Equal(200, (await JsonAsync(first, HttpMethod.Post, "/v1/organizations/users", """{"email":"plain@contoso.example","name":"Plain"}""")).Status);

        var approve = $"/v1/organizations/changes/{asked.GetProperty("id").GetString()}/approve";
        Assert.Equal(403, (await JsonAsync(puppet.Reveal(), HttpMethod.Post, approve, "{}")).Status);
        Assert.Null(await _store.Users.GetByEmailAsync(_organization, "made@contoso.example"));
        Assert.Equal(200, (await JsonAsync(second, HttpMethod.Post, approve, "{}")).Status);
        Assert.Equal("admin", (await _store.Users.GetByEmailAsync(_organization, "made@contoso.example"))?.Role);
        Assert.Equal(409, (await JsonAsync(first, HttpMethod.Post, "/v1/organizations/users", made)).Status);
    }

    [Fact]
    public async Task A_request_for_a_role_is_not_approved_at_the_command_line_where_a_second_administrator_is_needed()
    {
        var person = await RolePlace.PersonAsync(_store, _organization, "asks");
        var request = await _store.RoleRequests.AskAsync(_organization, person.Id, "admin", RoleScope.Organization, "incident 7", TimeSpan.FromHours(1), RolePlace.Actor);

        Assert.Contains("(approvals)", await Commands.DemarcCommand.FailsAsync(
            1, _gateway.DataDirectory, "role", "approve", request.Id, "--config", Path.Combine(_gateway.DataDirectory, "demarc.yaml"), "--data", _gateway.DataDirectory), StringComparison.Ordinal);
        Assert.Equal("pending", (await _store.RoleRequests.GetAsync(_organization, request.Id))!.Status);
    }

    [Fact]
    public async Task What_the_configuration_gives_is_read_only_with_its_line()
    {
        var (_, token) = await SignedInAsync("editor", "admin");
        var (status, json) = await JsonAsync(token, HttpMethod.Delete, "/v1/organizations/role_assignments/configured_0", null);
        Assert.Equal(409, status);
        Assert.Contains("demarc.yaml:9)", json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private async Task<(User Person, string Token)> SignedInAsync(string name, params string[] roles)
    {
        var person = await RolePlace.PersonAsync(_store, _organization, name, roles);
        return (person, await RolePlace.TokenAsync(_store, _master, person));
    }

    private async Task<StoredRoleAssignment> AssignAsync(string role, User person, RoleScope scope) =>
        (await _store.RoleAssignments.AssignAsync(_organization, new NewRoleAssignment(role, false, "user", person.Id, scope), RolePlace.Actor))!;

    private async Task<(string? Resource, string? Deployment)> AskedAsync(string token, string model)
    {
        using var answer = await SendAsync(token, HttpMethod.Post, "/v1/messages", Body(model, ""));
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (answer.Headers.GetValues("demarc-resource").Single(), answer.Headers.GetValues("demarc-deployment").Single());
    }

    private async Task RefusedAsync(string token, string model, string more = "")
    {
        using var answer = await SendAsync(token, HttpMethod.Post, "/v1/messages", Body(model, more));
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest && text.Contains("policy_blocked", StringComparison.Ordinal) && text.Contains("our roles", StringComparison.Ordinal), text);
        Assert.Equal("false", answer.Headers.GetValues("x-should-retry").Single());
    }

    private async Task<HttpStatusCode> StatusAsync(string token, string model)
    {
        using var answer = await SendAsync(token, HttpMethod.Post, "/v1/messages", Body(model, ""));
        return answer.StatusCode;
    }

    private async Task<(int Status, System.Text.Json.JsonElement Json)> JsonAsync(string token, HttpMethod method, string path, string? body)
    {
        using var answer = await SendAsync(token, method, path, body);
        return ((int)answer.StatusCode, System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement);
    }

    private Task<HttpResponseMessage> SendAsync(string token, HttpMethod method, string path, string? body, HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead)
    {
        var request = new HttpRequestMessage(method, new Uri(_gateway.Url, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("anthropic-version", "2023-06-01");
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return _gateway.Http.SendAsync(request, completion, TestContext.Current.CancellationToken);
    }

    private static string Body(string model, string more) => $$"""{"model":"{{model}}",{{more}}"max_tokens":10,"messages":[{"role":"user","content":"hello"}]}""";
}
