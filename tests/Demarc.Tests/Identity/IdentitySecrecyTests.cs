using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Identity.Saml;
using Demarc.Tests.Identity.Scim;
using Demarc.Tests.Identity.Tokens;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Every way in, with secrets that are marked: none of them is in a log, a trace, an activity, an error or a file of the gateway's own.</summary>
public sealed class IdentitySecrecyTests
{
    private const string ClientSecret = "canary-client-secret-0123456789";
    private const string WrongToken = "canary-wrong-directory-token-0123456789";

    [Fact]
    public async Task No_secret_of_any_way_in_is_left_anywhere()
    {
        using var log = new LogLines();
        using var traces = new Traces();
        var secrets = new Dictionary<string, string> { ["client secret"] = ClientSecret, ["directory token"] = ScimPlace.Token, ["wrong directory token"] = WrongToken };
        var errors = new List<string>();
        var folder = Directory.CreateTempSubdirectory("demarc-canary-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "client.secret"), ClientSecret, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "scim.token"), ScimPlace.Token, TestContext.Current.CancellationToken);
        using var workloads = new WorkloadIssuer();
        await using var issuer = await OidcProvider.StartAsync();
        await using var saml = await SamlPlace.StartAsync(
            identity: $$"""
                recheck: 15m
                  issuers: [{ name: oidc, issuer: "{{issuer.Url.AbsoluteUri.TrimEnd('/')}}", client_id: demarc, client_secret: "${file:{{folder}}/client.secret}", allowed_groups: [developers] }]
                """,
            rest: $$"""
                scim: { tokens: ["${file:{{folder}}/scim.token}"] }
                federation:
                  issuers: [{ name: ci, issuer: "https://ci.corp.example", keys_file: "{{workloads.KeysFile}}" }]
                  rules: [{ name: ci, issuer: ci, audience: demarc, subject: "a", service_account: nightly }]
                entra: [{ tenant: 11111111-2222-3333-4444-555555555555, authority: SIMULATOR, people: create }]
                resources:
                  - { name: behind, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929 }] }
                aliases: { claude-opus-4-7: [behind/deployed] }
                """,
            log: log);
        var place = SignInPlace.Over(issuer, saml.Gateway);
        var url = saml.Gateway.Url;
        await issuer.RegisterAsync(url, new OidcSetup($$"""{"client_secret":"{{ClientSecret}}"}"""));

        // 1 device flow and OpenID Connect: once right, once with another's code, once refused
        var device = await place.DeviceAsync();
        Keep("device code", device.GetProperty("device_code").GetString()!);
        Keep("user code", device.GetProperty("user_code").GetString()!);
        using var browser = SignInPlace.NewBrowser();
        var back = await BackAsync(device, "zed");
        Keep("authorization code", QueryOf(back, "code"));
        Keep("state", QueryOf(back, "state"));
        using (var page = await browser.GetAsync(back, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        await FailAsync(() => browser.GetAsync(back, TestContext.Current.CancellationToken));
        var wrong = await BackAsync(await place.DeviceAsync(), "zed");
        Keep("code that is refused", QueryOf(wrong, "code") + "x");
        await FailAsync(() => browser.GetAsync(new Uri(wrong.AbsoluteUri.Replace("code=" + QueryOf(wrong, "code"), "code=" + QueryOf(wrong, "code") + "x", StringComparison.Ordinal)), TestContext.Current.CancellationToken));
        await FailAsync(async () => await browser.GetAsync(await BackAsync(await place.DeviceAsync(), "eve+marketing"), TestContext.Current.CancellationToken));

        // 2 tokens: used, refreshed, reused, revoked, forged
        var tokens = (await place.RedeemAsync(device)).Json;
        Keep("access token", tokens.Access());
        Keep("refresh token", tokens.Refresh());
        using (var served = await place.AskAsync(tokens.Access()))
            Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        await FailAsync(() => place.AskAsync(tokens.Access()[..^4] + "AAAA"));
        var next = (await place.RefreshAsync(tokens.Refresh())).Json;
        Keep("next refresh token", next.Refresh());
        errors.Add((await place.RefreshAsync(next.Refresh()[..^2] + "00")).Json.GetRawText());
        errors.Add((await place.PostAsync("/oauth/revoke", ("token", next.Refresh()))).Json.GetRawText());
        await SignInTests.RefusedAsync(place, tokens.Access());

        // 3 SAML: once right, once again, once forged
        var saidAt = await place.DeviceAsync();
        using var typed = await place.TypeAsync(browser, saidAt.GetProperty("user_code").GetString()!);
        Keep("sign-in cookie", typed.Headers.GetValues("Set-Cookie").Single().Split(';')[0].Split('=', 2)[1]);
        var response = saml.Said(SamlPlace.Request(typed.Headers.Location!)).Signed();
        Keep("assertion", Convert.ToBase64String(Encoding.UTF8.GetBytes(response.OuterXml)));
        Keep("signature of an assertion", response.At("SignatureValue").InnerText);
        var (_, finish, _) = await saml.PostAsync(response);
        Keep("answer's handle", QueryOf(finish!, "answer"));
        errors.Add((await saml.PostAsync(response)).Page);
        using (var page = await browser.GetAsync(finish, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        errors.Add((await saml.PostAsync(response.Set("Assertion", "ID", "_other"))).Page);

        // 4 keys, directory tokens, identity tokens of workloads
        Keep("key", saml.Gateway.DeveloperKey);
        Keep("admin key", saml.Gateway.AdminKey);
        using (var served = await place.AskAsync(saml.Gateway.DeveloperKey))
            Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        await FailAsync(() => place.AskAsync(saml.Gateway.DeveloperKey[..^1] + "~"));
        await FailAsync(() => place.GetAsync("/scim/v2/Users", WrongToken));
        using (var listed = await place.GetAsync("/scim/v2/Users", ScimPlace.Token))
            Assert.Equal(HttpStatusCode.OK, listed.StatusCode);
        await using (var store = await saml.Gateway.OpenStoreAsync())
            await store.ServiceAccounts.CreateAsync((await saml.Gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!, "nightly", new("cli", "test"));
        var identity = workloads.Token(new() { ["iss"] = "https://ci.corp.example", ["aud"] = "demarc", ["sub"] = "a" });
        Keep("identity token that is traded", identity);
        var (traded, given) = await WorkloadIssuer.TradeAsync(saml.Gateway, identity, "fdrl_ci");
        Assert.Equal(HttpStatusCode.OK, traded);
        Keep("token of a workload", given.Access());
        using (var served = await place.AskAsync(given.Access()))
            Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        // Once more, and one for another audience.
        errors.Add((await WorkloadIssuer.TradeAsync(saml.Gateway, identity, "fdrl_ci")).Json.GetRawText());
        var astray = workloads.Token(new() { ["iss"] = "https://ci.corp.example", ["aud"] = "another", ["sub"] = "a" });
        Keep("identity token that is refused", astray);
        errors.Add((await WorkloadIssuer.TradeAsync(saml.Gateway, astray, "fdrl_ci")).Json.GetRawText());
        var entra = saml.Gateway.Simulator.Tokens.Entra;
        var foreign = entra.Token(saml.Gateway.Simulator.Url, "11111111-2222-3333-4444-555555555555", new() { ["oid"] = "o", ["sub"] = "p", ["upn"] = "ana@contoso.example", ["scp"] = "user_impersonation" });
        Keep("token of Entra ID", foreign);
        using (var served = await place.AskAsync(foreign))
            Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        var refused = entra.Token(saml.Gateway.Simulator.Url, "11111111-2222-3333-4444-555555555555", new() { ["oid"] = "o", ["sub"] = "p", ["aud"] = "https://graph.microsoft.com" });
        Keep("token of Entra ID that is refused", refused);
        await FailAsync(() => place.AskAsync(refused));

        // 5 an issuer that refuses the gateway itself
        await issuer.RegisterAsync(url, new OidcSetup("""{"client_secret":"another"}"""));
        await FailAsync(async () => await browser.GetAsync(await BackAsync(await place.DeviceAsync(), "amy"), TestContext.Current.CancellationToken));

        await saml.Gateway.Gateway.Store.SettledAsync();
        Assert.Contains("Sign-in refused", log.Text, StringComparison.Ordinal);
        Assert.Contains("invalid_client", log.Text, StringComparison.Ordinal);
        Assert.NotEmpty(traces.Text);
        Assert.True(errors.Count >= 12);
        var files = Directory.GetFiles(saml.Gateway.DataDirectory, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetFileName(f) is not "quickstart.json" && new FileInfo(f).Length > 0).ToDictionary(f => f, KeySecrecyTests.ReadShared);
        // The search finds what is there.
        Assert.Contains(files.Values, bytes => bytes.AsSpan().IndexOf("demarc_sign_in_refused"u8) >= 0);
        foreach (var (name, secret) in secrets)
        {
            Assert.False(log.Text.Contains(secret, StringComparison.Ordinal), $"{name} is in the log");
            Assert.False(traces.Text.Contains(secret, StringComparison.Ordinal), $"{name} is in a trace: {traces.Text}");
            Assert.DoesNotContain(errors, e => e.Contains(secret, StringComparison.Ordinal));
            foreach (var (file, bytes) in files)
                Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) < 0, $"{name} is in {file}");
        }
        Directory.Delete(folder, recursive: true);

        void Keep(string name, string secret)
        {
            Assert.True(secret.Length >= 9, name);
            // The signature alone is what makes a token one.
            secrets.Add(name, secret.StartsWith("eyJ", StringComparison.Ordinal) ? secret[(secret.LastIndexOf('.') + 1)..] : secret);
        }

        async Task<Uri> BackAsync(JsonElement of, string login)
        {
            using var sent = await place.TypeAsync(browser, of.GetProperty("user_code").GetString()!, issuer: "oidc");
            using var fresh = SignInPlace.NewBrowser();
            return await OidcProvider.LogInAsync(fresh, sent.Headers.Location!, url, login);
        }

        async Task FailAsync(Func<Task<HttpResponseMessage>> ask)
        {
            using var answer = await ask();
            Assert.True((int)answer.StatusCode >= 400, answer.ToString());
            errors.Add($"{answer}{await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }

    private static string QueryOf(Uri at, string name) => Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(at.Query)[name].ToString();

    /// <summary>What a tracing tool in the process would be told, of the gateway's requests and of those that it sends.</summary>
    private sealed class Traces : IDisposable
    {
        private readonly StringBuilder _text = new();
        private readonly ActivityListener _listener;

        public Traces()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = _ => true,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity =>
                {
                    lock (_text)
                    {
                        _text.AppendLine(activity.DisplayName);
                        foreach (var (name, value) in activity.TagObjects)
                            _text.Append(name).Append('=').Append(value).AppendLine();
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public string Text
        {
            get
            {
                lock (_text)
                    return _text.ToString();
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
