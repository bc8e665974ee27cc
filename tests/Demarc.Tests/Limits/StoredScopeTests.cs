using System.Net;
using System.Text.Json;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>Limits set by the API on keys, workspaces, projects and resources.</summary>
public sealed class StoredScopeTests
{
    private const string Limits = "/v1/organizations/spend_limits";

    [Theory]
    [InlineData("api_key", StoreKind.Sqlite)]
    [InlineData("api_key", StoreKind.Postgres)]
    [InlineData("workspace", StoreKind.Sqlite)]
    [InlineData("project", StoreKind.Sqlite)]
    [InlineData("project", StoreKind.Postgres)]
    [InlineData("resource", StoreKind.Sqlite)]
    [InlineData("resource", StoreKind.Postgres)]
    public async Task A_scope_has_one_budget_that_its_own_requests_alone_count_to(string scope, StoreKind kind)
    {
        // An answer costs $0.015 and a little: one fits in two cents, a second one does not.
        await using var place = await ProxyPlace.StartAsync(kind, "  - { capture: metadata }", new ScriptRule { Deltas = 1000 });
        var (target, inside, outside) = await MakeAsync(place, scope);

        var set = await place.AdminAsync(HttpMethod.Post, Limits, $$$"""{"scope":{"type":"{{{scope}}}","{{{scope}}}_id":"{{{target}}}"},"amount":"2"}""");

        Assert.Equal((scope, target), (set.GetProperty("scope").GetProperty("type").GetString(), set.GetProperty("scope").GetProperty(scope + "_id").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(inside())).Response.StatusCode);
        var (refused, body) = await place.SendAsync(inside());
        Assert.Equal((HttpStatusCode.TooManyRequests, "billing_error"), (refused.StatusCode, Answers.Error(body).Type));
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(outside())).Response.StatusCode);

        await place.ProjectedAsync();
        var row = Assert.Single((await place.AdminAsync(HttpMethod.Get, $"{Limits}/effective?scope_type={scope}&period[]=monthly")).GetProperty("data").EnumerateArray());
        Assert.Equal(
            (set.GetProperty("id").GetString(), "2", target, JsonValueKind.Null),
            (row.GetProperty("spend_limit_id").GetString(), row.GetProperty("amount").GetString(), row.GetProperty("scope").GetProperty(scope + "_id").GetString(), row.GetProperty("actor").ValueKind));
        Assert.StartsWith("1.5", row.GetProperty("period_to_date_spend").GetString(), StringComparison.Ordinal);
        Assert.Single((await place.AdminAsync(HttpMethod.Get, $"{Limits}?scope_type={scope}")).GetProperty("data").EnumerateArray());
        Assert.Empty((await place.AdminAsync(HttpMethod.Get, $"{Limits}?scope_type=user")).GetProperty("data").EnumerateArray());
    }

    [Fact]
    public async Task The_organization_shares_one_budget_where_it_is_asked_to()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Deltas = 1000 });

        var set = await place.AdminAsync(HttpMethod.Post, Limits, """{"scope":{"type":"organization"},"amount":"2","period":"daily","shared":true}""");

        Assert.True(set.GetProperty("shared").GetBoolean());
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(Ask(place))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.SendAsync(Ask(place))).Response.StatusCode);
        Assert.Single((await place.AdminAsync(HttpMethod.Get, $"{Limits}/effective?scope_type=organization")).GetProperty("data").EnumerateArray());
    }

    [Fact]
    public async Task A_scope_that_is_none_is_refused_and_the_message_names_the_field()
    {
        await using var place = await ProxyPlace.StartAsync();

        foreach (var (body, field) in new (string, string)[]
        {
            ("""{"scope":{"type":"workspace"},"amount":"5"}""", "scope.workspace_id"),
            ("""{"scope":{"type":"workspace","workspace_id":"wrkspc_x"},"amount":"5"}""", "scope.workspace_id"),
            ("""{"scope":{"type":"project","project_id":"atlas"},"amount":"5"}""", "scope.project_id"),
            ("""{"scope":{"type":"resource","resource_id":"west"},"amount":"5"}""", "scope.resource_id"),
            ("""{"scope":{"type":"api_key","api_key_id":5},"amount":"5"}""", "scope.api_key_id"),
            ("""{"scope":{"type":"resource","resource_id":"east","user_id":"user_x"},"amount":"5"}""", "scope.user_id"),
            ("""{"scope":{"type":"seat_tier","seat_tier":"enterprise_standard"},"amount":"5"}""", "scope.seat_tier"),
            ("""{"scope":{},"amount":"5"}""", "scope.type"),
            ("""{"scope":{"type":"resource","resource_id":"east"},"amount":"5","shared":true}""", "shared"),
            ("""{"scope":{"type":"organization"},"amount":"5","shared":"yes"}""", "shared"),
        })
        {
            var answer = await place.AdminAsync(HttpMethod.Post, Limits, body, 400);
            Assert.Contains(field, answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        }
        await place.AdminAsync(HttpMethod.Get, Limits + "?scope_type=planet", null, 400);
        await place.AdminAsync(HttpMethod.Get, Limits + "/effective?scope_type=planet", null, 400);
    }

    // What is limited, a request that counts to it, and one that does not.
    private static async Task<(string Target, Func<HttpRequestMessage> Inside, Func<HttpRequestMessage> Outside)> MakeAsync(ProxyPlace place, string scope)
    {
        var developer = await place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'");
        var key = await place.Store.SqlAsync<string>("SELECT k.id FROM api_keys k JOIN users u ON u.id = k.principal_id WHERE u.role = 'developer'") ?? "";
        switch (scope)
        {
            case "api_key":
                var other = (await place.AdminAsync(HttpMethod.Post, "/v1/organizations/api_keys", $$"""{"name":"other","user_id":"{{developer}}"}""")).GetProperty("key").GetString()!;
                return (key, () => Ask(place), () => Ask(place, key: other));
            case "resource":
                return ("east", () => Ask(place, model: "east/claude-sonnet-4-6"), () => Ask(place, model: "direct/claude-sonnet-4-6"));
            default:
                var workspace = (await place.AdminAsync(HttpMethod.Post, "/v1/organizations/workspaces", """{"name":"research"}""")).GetProperty("id").GetString()!;
                var project = (await place.AdminAsync(HttpMethod.Post, "/v1/organizations/projects", $$"""{"name":"atlas","workspace_id":"{{workspace}}"}""")).GetProperty("id").GetString()!;
                await place.AdminAsync(HttpMethod.Put, $"/v1/organizations/projects/{project}/members/{developer}");
                return (scope == "project" ? project : workspace, () => Ask(place, project: "atlas"), () => Ask(place));
        }
    }

    private static HttpRequestMessage Ask(ProxyPlace place, string model = "sonnet", string? project = null, string? key = null)
    {
        var request = place.Ask(ProxyPlace.Body(model).Replace("64", "1000", StringComparison.Ordinal));
        if (project is not null)
            request.Headers.Add("demarc-project", project);
        if (key is null)
            return request;
        request.Headers.Remove("x-api-key");
        request.Headers.Add("x-api-key", key);
        return request;
    }
}
