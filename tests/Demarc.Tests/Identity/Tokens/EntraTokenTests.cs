using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Storage;
using Demarc.Tests.Clients;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Tokens;

/// <summary>Access tokens of Entra ID, as the simulator gives them out, in the place of keys.</summary>
public sealed class EntraTokenTests : IAsyncLifetime
{
    private const string Tenant = "11111111-2222-3333-4444-555555555555";
    private const string Application = "aaaaaaaa-0000-0000-0000-000000000001";

    private readonly SteppedTime _time = new();
    private GatewayFixture _gateway = null!;
    private Store _store = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayFixture.StartAsync($$"""
            entra:
              - tenant: {{Tenant}}
                authority: SIMULATOR
                people: create
                app_roles: { Claude.Auditor: security_auditor }
                groups: { "99999999-0000-0000-0000-000000000001": payments }
                service_accounts: { {{Application}}: nightly }
            resources:
              - { name: foundry-east, platform: foundry, endpoint: SIMULATOR/anthropic, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929, hosting: anthropic }] }
            aliases:
              claude-sonnet-4-5: [foundry-east/deployed]
              claude-opus-5-5: [foundry-east/deployed]
            policies:
              - { match: { groups: [payments] }, models: [nothing-at-all] }
            """, _time);
        _store = await _gateway.OpenStoreAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task The_real_Claude_Code_asks_Foundry_without_a_key()
    {
        var run = await ClaudeCode.RunAsync(ClaudeVersion.Newest, new Dictionary<string, string>
        {
            ["CLAUDE_CODE_USE_FOUNDRY"] = "1",
            ["ANTHROPIC_FOUNDRY_BASE_URL"] = $"{_gateway.Url.AbsoluteUri.TrimEnd('/')}/anthropic",
            ["ANTHROPIC_FOUNDRY_AUTH_TOKEN"] = Token(),
        });

        Assert.True(run.Listed, run.Result);
        var requests = await _gateway.RequestsAsync();
        Assert.Equal(2, requests.Length);
        Assert.All(requests, r => Assert.Equal(("user", "ana@contoso.example", "foundry"), (r.Begun.Actor.Type, r.Begun.Actor.Email, r.Begun.Dialect)));
        Assert.All(requests, r => Assert.StartsWith("entra_", r.Begun.Actor.KeyId, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_that_is_not_for_here_is_nobodys()
    {
        Assert.Equal(HttpStatusCode.OK, await AskAsync(Token()));
        var good = Token().Split('.');
        foreach (var (what, token) in new (string, string)[]
        {
            ("audience", Token(("aud", "https://graph.microsoft.com"))),
            ("issuer", Token(("iss", "https://sts.windows.net/99999999-2222-3333-4444-555555555555/"))),
            ("tenant", Token(("tid", "99999999-2222-3333-4444-555555555555"))),
            ("expired", Token(("exp", _time.GetUtcNow().AddMinutes(-1).ToUnixTimeSeconds()))),
            ("not yet", Token(("nbf", _time.GetUtcNow().AddMinutes(2).ToUnixTimeSeconds()))),
            ("no expiry", Token(("exp", null))),
            ("no object", Token(("oid", null))),
            ("no address", Token(("upn", null))),
            // Past 200 groups: Microsoft identity platform, "Groups overage claim".
            ("overage", Token(("_claim_names", new JsonObject { ["groups"] = "src1" }), ("_claim_sources", new JsonObject { ["src1"] = new JsonObject { ["endpoint"] = "https://graph.microsoft.com/v1.0/users/x/getMemberObjects" } }))),
            ("unsigned", $"{Encode("""{"alg":"none","typ":"JWT"}""")}.{good[1]}."),
            ("confused", $"{Encode("""{"alg":"HS256","typ":"JWT","kid":"x"}""")}.{good[1]}.{good[2]}"),
            ("changed", $"{good[0]}.{Encode(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(good[1])).Replace("ana@", "eve@", StringComparison.Ordinal))}.{good[2]}"),
            // CVE-2026-35030: a cache that looks at the first characters of a token would take this for the good one.
            ("same beginning", $"{good[0]}.{good[1]}.{good[2][..^8]}AAAAAAAA"),
        })
            Assert.True(await AskAsync(token) == HttpStatusCode.Unauthorized, what);
        Assert.Equal(1, await _gateway.SqlAsync<long>("SELECT count(*) FROM identities"));
        Assert.Equal(0, await _gateway.SqlAsync<long>("SELECT count(*) FROM users WHERE email LIKE 'eve%'"));
    }

    [Fact]
    public async Task App_roles_and_groups_of_the_token_count_and_end_with_it()
    {
        var token = Token(("roles", new JsonArray("Claude.Auditor", "Unknown.Role")), ("groups", new JsonArray("99999999-0000-0000-0000-000000000001")));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(token, "/v1/organizations/users"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(Token(), "/v1/organizations/users"));
        // The policy on the group holds for the token that names it, and for no other.
        Assert.Equal(HttpStatusCode.BadRequest, await AskAsync(token));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(Token()));

        _time.Step(TimeSpan.FromMinutes(61));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(token));
    }

    [Fact]
    public async Task A_managed_identity_is_the_service_account_that_is_named_for_it()
    {
        var app = Token(("oid", Application), ("sub", Application), ("scp", null), ("upn", null), ("appid", Application), ("idtyp", "app"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(app));
        var organization = (await _gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
        var account = (await _store.ServiceAccounts.CreateAsync(organization, "nightly", new("cli", "test")))!;
        Assert.Equal(HttpStatusCode.OK, await AskAsync(app));
        Assert.Equal(account.Id, (await _gateway.RequestsAsync())[^1].Begun.Actor.Id);
        // Another application of the tenant is nobody.
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(Token(("oid", "bbbb"), ("sub", "bbbb"), ("scp", null), ("upn", null), ("appid", "bbbb"), ("idtyp", "app"))));

        // And by the endpoint that Azure's libraries ask.
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = Application,
            ["client_secret"] = "any",
            ["scope"] = "https://ai.azure.com/.default",
        });
        using var answer = await _gateway.Http.PostAsync(new Uri(_gateway.Simulator.Url, $"/{Tenant}/oauth2/v2.0/token"), form, TestContext.Current.CancellationToken);
        var issued = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["access_token"]!.GetValue<string>();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(issued));
    }

    [Fact]
    public async Task Who_leaves_is_out_though_the_token_lasts_and_an_address_opens_nobody_elses_account()
    {
        var token = Token();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(token));
        // The same address with another object id is somebody else.
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(Token(("oid", "another-object"))));
        var user = (await _gateway.SqlAsync<string>("SELECT user_id FROM identities"))!;
        var organization = (await _gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
        await _store.Users.UpdateAsync(organization, user, new ActorRecord("cli", "test"), status: "inactive");
        await AdminApi.GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => await AskAsync(token) == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(Token()));
    }

    [Fact]
    public async Task A_key_that_the_tenant_has_rolled_is_read_again()
    {
        var before = Token();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(before));
        _gateway.Simulator.Tokens.Entra.Roll();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(Token()));
        // Verified before, it holds until its end; a new one under the old key would not.
        Assert.Equal(HttpStatusCode.OK, await AskAsync(before));
    }

    [Fact]
    public async Task While_the_tenants_keys_cannot_be_read_nobody_is_told_that_a_token_does_not_hold()
    {
        _gateway.Simulator.Script.Set(new ScriptRule { Path = "*/keys", Fault = new ScriptFault { Kind = FaultKind.ServerError } });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync(Token()));
        _gateway.Simulator.Script.Clear();
        // Whoever sends tokens has the tenant asked, and not more often than each second.
        _time.Step(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(Token()));
    }

    private string Token(params (string Name, JsonNode? Value)[] claims)
    {
        var all = new JsonObject
        {
            ["iat"] = _time.GetUtcNow().ToUnixTimeSeconds(),
            ["nbf"] = _time.GetUtcNow().ToUnixTimeSeconds(),
            ["exp"] = _time.GetUtcNow().AddHours(1).ToUnixTimeSeconds(),
            ["oid"] = "object-of-ana",
            ["sub"] = "pairwise-of-ana",
            ["upn"] = "ana@contoso.example",
            ["name"] = "Ana",
            ["scp"] = "user_impersonation",
        };
        foreach (var (name, value) in claims)
            all[name] = value;
        return _gateway.Simulator.Tokens.Entra.Token(_gateway.Simulator.Url, Tenant, all);
    }

    private async Task<HttpStatusCode> AskAsync(string token, string? path = null)
    {
        using var request = new HttpRequestMessage(path is null ? HttpMethod.Post : HttpMethod.Get, new Uri(_gateway.Url, path ?? "/anthropic/v1/messages"));
        request.Headers.Authorization = new("Bearer", token);
        request.Headers.Add("anthropic-version", "2023-06-01");
        if (path is null)
            request.Content = new StringContent("""{"model":"claude-sonnet-4-5","max_tokens":10,"messages":[{"role":"user","content":"hello"}]}""", Encoding.UTF8, "application/json");
        using var answer = await _gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
