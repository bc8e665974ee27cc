using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Tokens;

/// <summary>Tenants of Entra ID and rules of federation come, change and go while the gateway serves.</summary>
public sealed class TokenReloadTests : IAsyncLifetime
{
    private const string Tenant = "11111111-2222-3333-4444-555555555555";
    private const string Rest = """
        resources:
          - { name: foundry-east, platform: foundry, endpoint: SIMULATOR/anthropic, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929, hosting: anthropic }] }
        aliases: { claude-sonnet-4-5: [foundry-east/deployed] }

        """;

    private readonly WorkloadIssuer _issuer = new();
    private GatewayFixture _gateway = null!;

    public async ValueTask InitializeAsync() => _gateway = await GatewayFixture.StartAsync(Rest);

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _issuer.Dispose();
    }

    [Fact]
    public async Task A_tenant_comes_changes_and_goes()
    {
        var token = _gateway.Simulator.Tokens.Entra.Token(_gateway.Simulator.Url, Tenant, new JsonObject
        {
            ["oid"] = "object-of-ana",
            ["sub"] = "pairwise-of-ana",
            ["upn"] = "ana@contoso.example",
            ["scp"] = "user_impersonation",
            ["roles"] = new JsonArray("Claude.Auditor"),
        });
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(token, HttpMethod.Get, "/v1/models"));
        await WriteAsync($"entra: [{{ tenant: {Tenant}, authority: SIMULATOR, people: create }}]\n");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(token, HttpMethod.Get, "/v1/models"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(token, HttpMethod.Get, "/v1/organizations/users"));
        // What a role of the application means is said anew, for a token that was seen before.
        await WriteAsync($"entra: [{{ tenant: {Tenant}, authority: SIMULATOR, people: create, app_roles: {{ Claude.Auditor: security_auditor }} }}]\n");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(token, HttpMethod.Get, "/v1/organizations/users"));

        _gateway.Simulator.Script.Set(new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        using var asked = Request(token, HttpMethod.Post, "/anthropic/v1/messages", """{"model":"claude-sonnet-4-5","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"hello"}]}""");
        using var answer = await _gateway.Http.SendAsync(asked, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal("event: message_start", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        // A reload that says the same of the tenant ends nothing.
        await WriteAsync($"entra: [{{ people: create, tenant: {Tenant}, authority: SIMULATOR, app_roles: {{ Claude.Auditor: security_auditor }} }}]\nrefusals: {{}}\n");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(token, HttpMethod.Get, "/v1/organizations/users"));
        var rest = reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.False(rest.IsCompleted);

        await WriteAsync("");
        Assert.Contains("event: error", await rest.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(token, HttpMethod.Get, "/v1/models"));
        Assert.Null(await IdentityReloadTests.WaitingAsync(_gateway));
    }

    [Fact]
    public async Task A_rule_comes_and_goes()
    {
        await using var store = await _gateway.OpenStoreAsync();
        var organization = (await _gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
        await store.ServiceAccounts.CreateAsync(organization, "nightly", new("cli", "test"));
        string Rule(string subject) =>
            $"federation:\n  issuers: [{{ name: ci, issuer: \"https://ci.corp.example\", keys_file: \"{_issuer.KeysFile}\" }}]\n  rules: [{{ name: ci, issuer: ci, audience: demarc, subject: {subject}, service_account: nightly }}]\n";
        JsonObject Claims() => new() { ["iss"] = "https://ci.corp.example", ["aud"] = "demarc", ["sub"] = "pipeline" };
        Assert.Equal(HttpStatusCode.NotFound, (await _issuer.TradeAsync(_gateway, Claims(), "ci")).Status);
        await WriteAsync(Rule("pipeline"));
        var (status, answer) = await _issuer.TradeAsync(_gateway, Claims(), "ci");
        Assert.True(status == HttpStatusCode.OK, answer.ToString());
        await WriteAsync(Rule("another"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await _issuer.TradeAsync(_gateway, Claims(), "ci")).Status);
        await WriteAsync("");
        Assert.Equal(HttpStatusCode.NotFound, (await _issuer.TradeAsync(_gateway, Claims(), "ci")).Status);
        // What was given out holds until its end.
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(answer.Access(), HttpMethod.Get, "/v1/models"));
        Assert.Null(await IdentityReloadTests.WaitingAsync(_gateway));
    }

    private Task WriteAsync(string section) => IdentityReloadTests.WriteAsync(_gateway, (section + Rest).Replace("SIMULATOR", _gateway.Simulator.Url.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal));

    private HttpRequestMessage Request(string token, HttpMethod method, string path, string? body = null)
    {
        var request = new HttpRequestMessage(method, new Uri(_gateway.Url, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("anthropic-version", "2023-06-01");
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return request;
    }

    private async Task<HttpStatusCode> StatusAsync(string token, HttpMethod method, string path)
    {
        using var request = Request(token, method, path);
        using var answer = await _gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
