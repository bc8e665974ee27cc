using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Clients;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Tokens;

/// <summary>A pipeline trades the token of its platform for Demarc's: no secret is stored anywhere.</summary>
public sealed class FederationTests : IAsyncLifetime
{
    private const string Issuer = "https://token.actions.githubusercontent.com";
    private const string Audience = "https://claude.contoso.example";

    private readonly WorkloadIssuer _issuer = new();
    private readonly SteppedTime _time = new();
    private GatewayFixture _gateway = null!;
    private Store _store = null!;
    private ServiceAccount _account = null!;
    private string _organization = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayFixture.StartAsync($$"""
            federation:
              issuers:
                - { name: away, issuer: "http://127.0.0.1:9" }
                - { name: github, issuer: "{{Issuer}}", keys_file: {{_issuer.KeysFile}} }
              rules:
                - { name: ci, issuer: github, audience: "{{Audience}}", subject: "repo:contoso/app:*", claims: { repository_owner: contoso, "/nested/place": here }, service_account: nightly, lifetime: 10m }
                - { name: again, issuer: github, audience: "{{Audience}}", subject: "repo:contoso/app:ref:refs/heads/main", service_account: nightly, once: false }
                - { name: away, issuer: away, audience: "{{Audience}}", subject: "repo:contoso/app:*", service_account: nightly }
                - { name: nobody, issuer: github, audience: "{{Audience}}", subject: "repo:contoso/app:*", service_account: absent }
            resources:
              - { name: behind, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929 }] }
            aliases:
              claude-opus-4-7: [behind/deployed]
              claude-opus-5-5: [behind/deployed]
              claude-haiku-4-5-20251001: [behind/deployed]
            """, _time);
        _store = await _gateway.OpenStoreAsync();
        _organization = (await _gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
        _account = (await _store.ServiceAccounts.CreateAsync(_organization, "nightly", new("cli", "test")))!;
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _gateway.DisposeAsync();
        _issuer.Dispose();
    }

    [Fact]
    public async Task The_real_Claude_Code_runs_in_a_pipeline_without_a_stored_secret()
    {
        var (status, answer) = await TradeAsync(Assertion());
        Assert.True(status == HttpStatusCode.OK, answer.ToString());
        Assert.Equal(("Bearer", 600, "workspace:developer"), (answer.GetProperty("token_type").GetString(), answer.GetProperty("expires_in").GetInt32(), answer.GetProperty("scope").GetString()));

        var run = await ClaudeCode.RunAsync(ClaudeVersion.Newest, new Dictionary<string, string>
        {
            ["CLAUDE_CODE_USE_GATEWAY"] = "1",
            ["ANTHROPIC_BASE_URL"] = _gateway.Url.AbsoluteUri.TrimEnd('/'),
            ["ANTHROPIC_AUTH_TOKEN"] = answer.Access(),
        });

        Assert.True(run.Listed, run.Result);
        var requests = await _gateway.RequestsAsync();
        Assert.Equal(2, requests.Length);
        Assert.All(requests, r => Assert.Equal(("service_account", _account.Id), (r.Begun.Actor.Type, r.Begun.Actor.Id)));
        Assert.All(requests, r => Assert.StartsWith("fedt_", r.Begun.Actor.KeyId, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_real_Claude_Code_trades_by_itself_with_the_variables_of_the_vendor()
    {
        var run = await ClaudeCode.RunAsync(ClaudeVersion.Newest, new Dictionary<string, string>
        {
            ["ANTHROPIC_BASE_URL"] = _gateway.Url.AbsoluteUri.TrimEnd('/'),
            ["ANTHROPIC_FEDERATION_RULE_ID"] = "fdrl_ci",
            ["ANTHROPIC_ORGANIZATION_ID"] = _organization,
            ["ANTHROPIC_SERVICE_ACCOUNT_ID"] = _account.Id,
            ["ANTHROPIC_IDENTITY_TOKEN"] = Assertion(),
        });
        Assert.True(run.Listed, run.Result);
        Assert.Equal(1, await _gateway.SqlAsync<long>("SELECT count(*) FROM federated_tokens"));
    }

    [Fact]
    public async Task What_does_not_hold_is_refused_with_one_answer_and_the_reason_on_record()
    {
        var time = _time.GetUtcNow().ToUnixTimeSeconds();
        var good = Assertion().Split('.');
        var bodies = new HashSet<string>();
        foreach (var (reason, assertion, rule) in new (string, string, string)[]
        {
            ("rule", Assertion(), "fdrl_absent"),
            ("issuer", Assertion(("iss", Issuer + "/")), "fdrl_ci"),
            ("audience", Assertion(("aud", "https://github.com/contoso")), "fdrl_ci"),
            ("time", Assertion(("exp", time - 31)), "fdrl_ci"),
            ("match_subject", Assertion(("sub", "repo:contoso/app-evil:ref:refs/heads/main")), "fdrl_ci"),
            ("match_subject", Assertion(("sub", "repo:contoso/app:ref:refs/heads/feature")), "fdrl_again"),
            ("match_claims", Assertion(("repository_owner", "evil")), "fdrl_ci"),
            ("match_claims", Assertion(("nested", new JsonObject { ["place"] = "there" })), "fdrl_ci"),
            ("service_account", Assertion(), "fdrl_nobody"),
            ("signature", $"{good[0]}.{good[1]}.{good[2][..^8]}AAAAAAAA", "fdrl_ci"),
            ("key", _issuer.Sign("""{"alg":"RS256","kid":"two"}""", good[1]), "fdrl_ci"),
        })
        {
            var (status, answer) = await TradeAsync(assertion, rule);
            Assert.True(status == HttpStatusCode.Unauthorized, $"{reason}: {answer}");
            bodies.Add(answer.GetProperty("error").ToString());
            Assert.Equal(reason, await LastReasonAsync());
        }
        Assert.Equal("Authentication failed", JsonDocument.Parse(Assert.Single(bodies)).RootElement.GetProperty("message").GetString());
        foreach (var forged in new[] { $"{WorkloadIssuer.Encode("""{"alg":"none"}""")}.{good[1]}.", $"{WorkloadIssuer.Encode("""{"alg":"HS256","kid":"one"}""")}.{good[1]}.{good[2]}", "no token at all", $"{good[0]}.{good[1]}" })
            Assert.Equal(HttpStatusCode.Unauthorized, (await TradeAsync(forged)).Status);
        Assert.Equal(0, await _gateway.SqlAsync<long>("SELECT count(*) FROM federated_tokens"));
    }

    [Fact]
    public async Task An_identity_token_is_traded_once_unless_the_rule_says_otherwise()
    {
        var assertion = Assertion();
        var both = await Task.WhenAll(TradeAsync(assertion), TradeAsync(assertion));
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Unauthorized], both.Select(b => b.Status).Order());
        Assert.Equal("replayed", await LastReasonAsync());
        Assert.Equal(HttpStatusCode.OK, (await TradeAsync(assertion, "fdrl_again")).Status);
        Assert.Equal(HttpStatusCode.OK, (await TradeAsync(assertion, "fdrl_again")).Status);
    }

    [Fact]
    public async Task A_token_ends_at_its_time_and_with_the_service_account()
    {
        var token = (await TradeAsync(Assertion())).Json.Access();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(token));
        Assert.Equal(1, await _store.FederatedTokens.EndAsync(_organization, _account.Id, new("cli", "test")));
        await AdminApi.GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => await AskAsync(token) == HttpStatusCode.Unauthorized);

        var second = (await TradeAsync(Assertion())).Json.Access();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(second));
        _time.Step(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(second));
        await _store.ServiceAccounts.UpdateAsync(_organization, _account.Id, new("cli", "test"), status: "inactive");
        Assert.Equal(HttpStatusCode.Unauthorized, (await TradeAsync(Assertion())).Status);
    }

    [Fact]
    public async Task A_request_that_is_no_request_says_which_field()
    {
        foreach (var (body, field) in new (string, string)[]
        {
            ("""{"assertion":"x","federation_rule_id":"fdrl_ci"}""", "grant_type"),
            ("""{"grant_type":"client_credentials","assertion":"x","federation_rule_id":"fdrl_ci"}""", "grant_type"),
            ("""{"grant_type":"urn:ietf:params:oauth:grant-type:jwt-bearer","federation_rule_id":"fdrl_ci"}""", "assertion"),
            ("""{"grant_type":"urn:ietf:params:oauth:grant-type:jwt-bearer","assertion":"x","federation_rule_id":"ci"}""", "federation_rule_id"),
            ("{", "JSON"),
        })
        {
            using var answer = await _gateway.Http.PostAsync(new Uri(_gateway.Url, "/v1/oauth/token"), new StringContent(body, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{body}: {answer.StatusCode}");
            Assert.Contains(field, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task While_an_issuers_keys_cannot_be_read_a_pipeline_is_told_to_try_again_and_counts_as_no_guesser()
    {
        for (var i = 0; i < 21; i++)
        {
            var (status, answer) = await TradeAsync(Assertion(("iss", "http://127.0.0.1:9")), "fdrl_away");
            Assert.True(status == HttpStatusCode.ServiceUnavailable, $"{i}: {answer}");
        }
        Assert.Equal("keys_unreachable", await LastReasonAsync());
        Assert.Equal(HttpStatusCode.OK, (await TradeAsync(Assertion())).Status);
    }

    [Fact]
    public async Task Tokens_that_do_not_hold_cannot_be_tried_without_end()
    {
        for (var i = 0; i < 20; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await TradeAsync("x.y.z")).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await TradeAsync(Assertion())).Status);
    }

    private string Assertion(params (string Name, JsonNode? Value)[] claims)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        var all = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = "repo:contoso/app:ref:refs/heads/main",
            ["repository_owner"] = "contoso",
            ["nested"] = new JsonObject { ["place"] = "here" },
            ["jti"] = Guid.CreateVersion7().ToString(),
            ["iat"] = now,
            ["nbf"] = now,
            ["exp"] = now + 300,
        };
        foreach (var (name, value) in claims)
            all[name] = value;
        return _issuer.Token(all);
    }

    private Task<(HttpStatusCode Status, JsonElement Json)> TradeAsync(string assertion, string rule = "fdrl_ci") =>
        WorkloadIssuer.TradeAsync(_gateway, assertion, rule, _organization, rule == "fdrl_nobody" ? null : _account.Id);

    private async Task<HttpStatusCode> AskAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_gateway.Url, "/v1/messages"));
        request.Headers.Authorization = new("Bearer", token);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Content = new StringContent("""{"model":"claude-opus-4-7","max_tokens":10,"messages":[{"role":"user","content":"hello"}]}""", Encoding.UTF8, "application/json");
        using var answer = await _gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private async Task<string?> LastReasonAsync()
    {
        var body = await _gateway.SqlAsync<byte[]>("SELECT body FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%demarc_workload_token_refused%' ORDER BY sequence DESC LIMIT 1");
        return JsonDocument.Parse(body).RootElement.GetProperty("fields").GetProperty("reason").GetString();
    }
}
