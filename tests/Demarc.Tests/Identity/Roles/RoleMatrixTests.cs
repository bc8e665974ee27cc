using System.Text.RegularExpressions;
using Demarc.Governance.Identity.Roles;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Roles;

/// <summary>Every role, and none, against every route, cell by cell: with the token of a person who has that role alone.</summary>
public sealed class RoleMatrixTests(GatewayPlace place) : IClassFixture<GatewayPlace>
{
    // Written apart from the table of routes. A letter for each role that is let through:
    // O owner, A admin, S security_auditor, C compliance_reviewer, B billing, D developer, F foundry_user, G cognitive_services_user.
    private static readonly (string Routes, string Roles)[] Expected =
    [
        (@"^POST .*(/messages(/count_tokens)?|/model/\{\*\*rest\}|/models/\{\*\*rest\})$", "OADFG"),
        (@"^GET (/\{resource\})?/inference-profiles", "OADFG"),
        (@"^GET (/v1/models|/api/oauth/usage$|/managed/settings$|/user/bootstrap$)", "OADFG"),
        (@"^GET /v1/me", "OASCBDFG"),
        (@"^POST /v1/me/role_requests$", "OASCBDFG"),
        (@"^GET /v1/organizations/me$", "OASB"),
        (@"^GET /v1/organizations/api_keys", "OAS"),
        (@"^POST /v1/organizations/api_keys", "OA"),
        (@"^GET /v1/organizations/users", "OASB"),
        (@"^POST /v1/organizations/users(/\{id\})?$", "OA"),
        (@"^POST /v1/organizations/users/\{id\}/(data_export|erasure)$", "OA"),
        (@"^GET /v1/organizations/(workspaces|projects)", "OASB"),
        (@"^(POST|PUT|DELETE) /v1/organizations/(workspaces|projects)", "OA"),
        (@"^GET /v1/organizations/aliases", "OAS"),
        (@"^(POST|PUT|DELETE) /v1/organizations/aliases", "OA"),
        (@"^GET /v1/organizations/(usage_report|cost_report)", "OASB"),
        (@"^GET /v1/organizations/spend_limit", "OASB"),
        (@"^(POST|DELETE) /v1/organizations/spend_limit", "OAB"),
        (@"^GET /v1/organizations/(roles|role_assignments|role_requests|access_review)", "OAS"),
        (@"^(POST|DELETE) /v1/organizations/role_", "OA"),
        (@"^(POST|DELETE) /v1/organizations/rbac_groups/", "OA"),
        (@"^(GET|POST) /v1/organizations/changes", "OA"),
        (@"^GET /v1/compliance/activities$", "OASC"),
        (@"^GET /v1/compliance/apps/sessions/local", "C"),
        (@"^GET /v1/organizations/(reviews|legal_holds)", "OASC"),
        (@"^POST /v1/organizations/(reviews|legal_holds)", "OAC"),
        (@"^GET /v1/compliance/(organizations|groups)", "C"),
        (@"^GET /log/", "OASC"),
    ];

    private static readonly string[] Refusals = ["None of your roles", "Missing required scopes", "This address shows people"];

    [Theory]
    [InlineData('O', "owner")]
    [InlineData('A', "admin")]
    [InlineData('S', "security_auditor")]
    [InlineData('C', "compliance_reviewer")]
    [InlineData('B', "billing")]
    [InlineData('D', "developer")]
    [InlineData('F', "foundry_user")]
    [InlineData('G', "cognitive_services_user")]
    [InlineData('-', null)]
    public async Task Every_route_lets_the_roles_through_that_the_matrix_says(char letter, string? role)
    {
        var person = await RolePlace.PersonAsync(place.Store, place.Installation.Organization.Id, $"matrix-{role ?? "none"}", role is null ? [] : [role]);
        var token = await RolePlace.TokenAsync(place.Store, place.Installation.Master, person);
        var wrong = new List<string>();
        foreach (var route in Closed)
        {
            var (method, path) = RoutePaths.Concrete(route);
            var answer = await place.AskAsync(method, path, token, method is "GET" or "DELETE" ? null : "{}", "authorization");
            // A reviewer is let through to what then needs a review: that refusal is another.
            var refused = answer.Status is 400 or 403 && Refusals.Any(r => answer.Body.Contains(r, StringComparison.Ordinal));
            if (refused == Allowed(route).Contains(letter, StringComparison.Ordinal))
                wrong.Add($"{route}: {answer}");
            // A role does not make a token one of nobody's.
            Assert.NotEqual(401, answer.Status);
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_route_is_in_the_table_and_in_the_matrix_once()
    {
        Assert.DoesNotContain(place.Gateway.Routes, r => !RouteTable.Needs.ContainsKey(r));
        // What is in the table and not mapped is a line too many: sign-in, provisioning and metrics are mapped where they are configured.
        Assert.Empty(RouteTable.Needs.Keys.Except(place.Gateway.Routes).Except(Routes.SignIn).Except(Routes.Directory).Except([RouteTable.Metrics, RouteTable.Fallback]));
        Assert.All(Closed, route => Assert.Single(Expected, e => Regex.IsMatch(route, e.Routes)));
        Assert.True(Closed.Length > 70, $"{Closed.Length}");
    }

    [Fact]
    public async Task A_custom_role_permits_what_it_names_and_nothing_else()
    {
        var permissions = Permissions.Names.ToDictionary(n => n, n => Permissions.TryParse(n, out var p) ? p : throw new InvalidOperationException(n));
        Assert.Equal(permissions.Count, permissions.Values.Distinct().Count());
        await using var store = await Harness.GatewayFixture.StartAsync("""
            resources:
              - { name: behind, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929 }] }
            roles:
              custom: { helpdesk: [users.read, keys.read] }
              assignments:
                - { role: helpdesk, users: [helper@contoso.example] }
            """);
        await using var opened = await store.OpenStoreAsync();
        var organization = (await store.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
        var helper = await RolePlace.PersonAsync(opened, organization, "helper");
        var token = await RolePlace.TokenAsync(opened, new(Convert.FromBase64String(await File.ReadAllTextAsync(Path.Combine(store.DataDirectory, "master.key"), TestContext.Current.CancellationToken))), helper);

        foreach (var (path, status) in new[] { ("users", 200), ("api_keys", 200), ("aliases", 403), ("roles", 403) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(store.Url, "/v1/organizations/" + path));
            request.Headers.Authorization = new("Bearer", token);
            using var answer = await store.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(status, (int)answer.StatusCode);
        }
    }

    private string[] Closed => [.. place.Gateway.Routes.Except(Routes.Open).Except(Routes.SignIn)];

    private static string Allowed(string route) => Expected.Single(e => Regex.IsMatch(route, e.Routes)).Roles;
}
