using System.Text.Json;
using Demarc.Governance.Identity;
using Xunit;

namespace Demarc.Tests.AdminApi;

/// <summary>Workspaces in the vendor's shapes, and projects, which are Demarc's own.</summary>
public sealed class WorkspaceEndpointTests(GatewayPlace place) : IClassFixture<GatewayPlace>
{
    private const string Workspaces = "/v1/organizations/workspaces";
    private const string Projects = "/v1/organizations/projects";

    // The law's own limit; principals follow the directory in the background.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_workspace_is_made_changed_and_listed_in_the_vendors_shape()
    {
        var made = await place.AdminAsync(200, "POST", Workspaces, """{"name":"Production","tags":{"env":"prod"}}""");
        Assert.Equal(
            ["id", "archived_at", "compartment_id", "created_at", "data_residency", "display_color", "external_key_id", "name", "tags", "type"],
            made.EnumerateObject().Select(p => p.Name));
        var path = $"{Workspaces}/{Text(made, "id")}";
        Assert.Equal(made.GetRawText(), (await place.AdminAsync(200, "GET", path)).GetRawText());
        Assert.Equal(("workspace", "prod", JsonValueKind.Null), (Text(made, "type"), Text(made.GetProperty("tags"), "env"), made.GetProperty("archived_at").ValueKind));

        var changed = await place.AdminAsync(200, "POST", path, """{"name":"Live"}""");
        Assert.Equal(("Live", "prod"), (Text(changed, "name"), Text(changed.GetProperty("tags"), "env")));
        await place.AdminAsync(200, "POST", Workspaces, """{"name":"Production"}""");
        await place.AdminAsync(409, "POST", Workspaces, """{"name":"Live"}""");
        await place.AdminAsync(409, "POST", path, """{"name":"Production"}""");
        Assert.Equal("Production", (await place.EventsAsync("platform_workspace_updated")).Last().Fields["previous_name"]);

        var listed = (await place.AdminAsync(200, "GET", Workspaces + "?limit=1")).GetProperty("data");
        Assert.Equal("Production", Text(Assert.Single(listed.EnumerateArray()), "name"));
        await place.AdminAsync(404, "GET", Workspaces + "/wrkspc_absent");
    }

    [Fact]
    public async Task Members_come_and_go_with_their_roles()
    {
        var workspace = Text(await place.AdminAsync(200, "POST", Workspaces, """{"name":"Members"}"""), "id");
        var members = $"{Workspaces}/{workspace}/members";
        var user = place.Admin.Id;
        var added = await place.AdminAsync(200, "POST", members, $$"""{"user_id":"{{user}}","workspace_role":"workspace_user"}""");
        Assert.Equal($$"""{"type":"workspace_member","user_id":"{{user}}","workspace_id":"{{workspace}}","workspace_role":"workspace_user"}""", added.GetRawText());
        await place.AdminAsync(409, "POST", members, $$"""{"user_id":"{{user}}","workspace_role":"workspace_user"}""");
        await place.AdminAsync(200, "POST", $"{members}/{user}", """{"workspace_role":"workspace_admin"}""");
        Assert.Equal("workspace_admin", Text((await place.AdminAsync(200, "GET", members)).GetProperty("data")[0], "workspace_role"));

        var gone = await place.AdminAsync(200, "DELETE", $"{members}/{user}");
        Assert.Equal($$"""{"type":"workspace_member_deleted","user_id":"{{user}}","workspace_id":"{{workspace}}"}""", gone.GetRawText());
        await place.AdminAsync(404, "GET", $"{members}/{user}");
        await place.AdminAsync(404, "DELETE", $"{members}/{user}");
    }

    [Fact]
    public async Task An_archived_workspace_takes_its_keys_and_projects_with_it()
    {
        var workspace = Text(await place.AdminAsync(200, "POST", Workspaces, """{"name":"Ending"}"""), "id");
        var project = Text(await place.AdminAsync(200, "POST", Projects, $$"""{"name":"ending","workspace_id":"{{workspace}}"}"""), "id");
        await place.AdminAsync(200, "PUT", $"{Projects}/{project}/members/{place.Admin.Id}");
        var made = await place.AdminAsync(200, "POST", "/v1/organizations/api_keys", $$"""{"name":"k","user_id":"{{place.Admin.Id}}","project_id":"{{project}}"}""");
        Assert.Equal((workspace, project), (Text(made, "workspace_id"), Text(made, "project_id")));
        await GatewayPlace.UntilAsync(Soon, async () => (await place.AskAsync("GET", "/v1/models", Text(made, "key"))).Status == 200);

        Assert.NotEqual(JsonValueKind.Null, (await place.AdminAsync(200, "POST", $"{Workspaces}/{workspace}/archive")).GetProperty("archived_at").ValueKind);
        await GatewayPlace.UntilAsync(Soon, async () => (await place.AskAsync("GET", "/v1/models", Text(made, "key"))).Status == 401);
        Assert.Equal("archived", Text(await place.AdminAsync(200, "GET", $"/v1/organizations/api_keys/{Text(made, "id")}"), "status"));
        Assert.NotEqual(JsonValueKind.Null, (await place.AdminAsync(200, "GET", $"{Projects}/{project}")).GetProperty("archived_at").ValueKind);
        Assert.DoesNotContain(workspace, (await place.AdminAsync(200, "GET", Workspaces + "?limit=1000")).GetRawText(), StringComparison.Ordinal);
        Assert.Contains(workspace, (await place.AdminAsync(200, "GET", Workspaces + "?limit=1000&include_archived=true")).GetRawText(), StringComparison.Ordinal);
        await place.AdminAsync(409, "POST", $"{Workspaces}/{workspace}", """{"name":"Again"}""");
        // The name is free again.
        await place.AdminAsync(200, "POST", Workspaces, """{"name":"Ending"}""");
    }

    [Fact]
    public async Task A_key_that_is_for_a_project_needs_its_person_to_be_a_member()
    {
        var project = Text(await place.AdminAsync(200, "POST", Projects, """{"name":"bound"}"""), "id");
        var member = $"{Projects}/{project}/members/{place.Admin.Id}";
        await place.AdminAsync(200, "PUT", member);
        var (_, secret) = await place.Store.ApiKeys.CreateAsync(
            new(place.Installation.Organization.Id, ApiKeyKind.Inference, "bound", "user", place.Admin.Id, ProjectId: project), new("cli", "test"));
        await GatewayPlace.UntilAsync(Soon, async () => (await place.AskAsync("GET", "/v1/models", secret.Reveal())).Status == 200);
        await place.AdminAsync(200, "DELETE", member);
        await GatewayPlace.UntilAsync(Soon, async () => await place.AskAsync("GET", "/v1/models", secret.Reveal()) is (400, var body) && body.Contains("you are no longer its member", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Workspaces, """{"name":""}""", "name")]
    [InlineData(Workspaces, """{}""", "name")]
    [InlineData(Workspaces, """{"name":"x","tags":{"anthropic-x":"1"}}""", "tags")]
    [InlineData(Workspaces, """{"name":"x","tags":["a"]}""", "tags")]
    [InlineData(Workspaces, """{"name":"x","data_residency":{"workspace_geo":"us"}}""", "data_residency")]
    [InlineData(Workspaces, """{"name":"x","external_key_id":"ekey_1"}""", "external_key_id")]
    [InlineData(Projects, """{"name":"größe"}""", "name")]
    [InlineData(Projects, """{"name":" x"}""", "name")]
    [InlineData(Projects, """{"name":"x","data_classification":"a\nb"}""", "data_classification")]
    [InlineData(Projects, """{"name":"x","workspace_id":"wrkspc_absent"}""", "workspace_id")]
    [InlineData("/v1/organizations/api_keys", """{"name":"x","user_id":"ADMIN","workspace_id":"wrkspc_absent"}""", "workspace_id")]
    [InlineData("/v1/organizations/api_keys", """{"name":"x","user_id":"ADMIN","project_id":"claude_proj_absent"}""", "project_id")]
    public async Task What_cannot_be_made_is_refused_by_its_field(string path, string body, string field)
    {
        var error = (await place.AdminAsync(400, "POST", path, body.Replace("ADMIN", place.Admin.Id, StringComparison.Ordinal))).GetProperty("error");
        Assert.StartsWith($"{field}: ", Text(error, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_project_tells_its_members_and_takes_no_unknown_one()
    {
        var path = $"{Projects}/{Text(await place.AdminAsync(200, "POST", Projects, """{"name":"told","data_classification":"internal"}"""), "id")}";
        await place.AdminAsync(404, "PUT", $"{path}/members/user_absent");
        var group = await place.Store.Groups.CreateAsync(place.Installation.Organization.Id, "told", new("cli", "test"));
        var told = await place.AdminAsync(200, "PUT", $"{path}/members/{group!.Id}");
        Assert.Equal(["id", "archived_at", "created_at", "data_classification", "members", "name", "type", "workspace_id"], told.EnumerateObject().Select(p => p.Name));
        Assert.Equal(group.Id, Assert.Single(told.GetProperty("members").EnumerateArray()).GetString());
        Assert.Equal(JsonValueKind.Null, (await place.AdminAsync(200, "POST", path, """{"data_classification":""}""")).GetProperty("data_classification").ValueKind);
        Assert.Empty((await place.AdminAsync(200, "DELETE", $"{path}/members/{group.Id}")).GetProperty("members").EnumerateArray());
        await place.AdminAsync(200, "POST", $"{path}/archive");
        await place.AdminAsync(409, "POST", path, """{"name":"again"}""");
        await place.AdminAsync(409, "PUT", $"{path}/members/{group.Id}");
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;
}
