using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>A gateway with one issuer, as a machine and as a browser see it.</summary>
internal sealed class SignInPlace : IAsyncDisposable
{
    private SignInPlace(OidcProvider issuer, GatewayFixture gateway) => (Issuer, Gateway) = (issuer, gateway);

    public OidcProvider Issuer { get; }

    public GatewayFixture Gateway { get; }

    /// <param name="identity">More keys of <c>identity</c>, a line each; <paramref name="rest"/> of the configuration.</param>
    /// <param name="setup">How the issuer serves the gateway.</param>
    /// <param name="keys">More keys of the issuer; null for its secret.</param>
    /// <param name="more">More issuers of <c>identity</c>.</param>
    /// <param name="host">The issuer's, a name of loopback.</param>
    public static async Task<SignInPlace> StartAsync(string identity = "", string rest = "", TimeProvider? time = null, OidcSetup? setup = null, string? keys = null, string more = "", string host = "127.0.0.1", LogLines? log = null)
    {
        var issuer = await OidcProvider.StartAsync(host);
        var gateway = await GatewayFixture.StartAsync($$"""
            identity:
              issuers:
                - { name: corp, issuer: "{{issuer.Url.AbsoluteUri.TrimEnd('/')}}", client_id: demarc, {{keys ?? "client_secret: a secret of the test"}}, allowed_groups: [developers] }
                {{more}}
              {{identity}}
            resources:
              - { name: behind, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929 }] }
            aliases:
              claude-opus-4-7: [behind/deployed]
              claude-haiku-4-5-20251001: [behind/deployed]
            {{rest}}
            """, time, log);
        await issuer.RegisterAsync(gateway.Url, setup);
        return new SignInPlace(issuer, gateway);
    }

    /// <summary>A gateway that was started otherwise, with an issuer of it.</summary>
    public static SignInPlace Over(OidcProvider issuer, GatewayFixture gateway) => new(issuer, gateway);

    /// <summary>A browser: keeps cookies, follows no redirect by itself.</summary>
    public static HttpClient NewBrowser() => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, CookieContainer = new CookieContainer() });

    public async Task<(HttpStatusCode Status, JsonElement Json)> PostAsync(string path, params (string, string)[] form)
    {
        using var answer = await Gateway.Http.PostAsync(new Uri(Gateway.Url, path), new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Item1, f.Item2))), TestContext.Current.CancellationToken);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement);
    }

    public async Task<JsonElement> DeviceAsync() => (await PostAsync("/oauth/device_authorization", ("surface", "claude_code"))).Json;

    /// <summary>Types the code on the page; where the gateway sends the browser then.</summary>
    public async Task<HttpResponseMessage> TypeAsync(HttpClient browser, string userCode, string? origin = null, string issuer = "corp")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Gateway.Url, "/device"));
        request.Headers.Add("Origin", origin ?? Gateway.Url.GetLeftPart(UriPartial.Authority));
        request.Content = new FormUrlEncodedContent([KeyValuePair.Create("user_code", userCode), KeyValuePair.Create("issuer", issuer)]);
        return await browser.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>All that a person does in the browser; the status and text of the last page.</summary>
    public async Task<(HttpStatusCode Status, string Page)> ApproveAsync(string userCode, string login)
    {
        using var browser = NewBrowser();
        using var typed = await TypeAsync(browser, userCode);
        Assert.Equal(HttpStatusCode.SeeOther, typed.StatusCode);
        var back = await OidcProvider.LogInAsync(browser, typed.Headers.Location!, Gateway.Url, login);
        using var page = await browser.GetAsync(back, TestContext.Current.CancellationToken);
        return (page.StatusCode, await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public Task<(HttpStatusCode Status, JsonElement Json)> RedeemAsync(JsonElement device) =>
        PostAsync("/oauth/token", ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", device.GetProperty("device_code").GetString()!));

    public Task<(HttpStatusCode Status, JsonElement Json)> RefreshAsync(string refreshToken) =>
        PostAsync("/oauth/token", ("grant_type", "refresh_token"), ("refresh_token", refreshToken));

    /// <summary>A whole sign-in: what the token endpoint answers.</summary>
    public async Task<JsonElement> SignInAsync(string login = "zed")
    {
        var device = await DeviceAsync();
        var (status, page) = await ApproveAsync(device.GetProperty("user_code").GetString()!, login);
        Assert.True(status == HttpStatusCode.OK, page);
        var (redeemed, tokens) = await RedeemAsync(device);
        Assert.True(redeemed == HttpStatusCode.OK, tokens.ToString());
        return tokens;
    }

    public async Task<HttpResponseMessage> AskAsync(string token, HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead, string prompt = "hello", bool stream = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Gateway.Url, "/v1/messages"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Content = new StringContent(
            $$"""{"model":"claude-opus-4-7","max_tokens":100,"stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":"{{prompt}}"}]}""", Encoding.UTF8, "application/json");
        return await Gateway.Http.SendAsync(request, completion, TestContext.Current.CancellationToken);
    }

    public async Task<HttpResponseMessage> GetAsync(string path, string token, string? ifNoneMatch = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Gateway.Url, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (ifNoneMatch is not null)
            request.Headers.TryAddWithoutValidation("If-None-Match", ifNoneMatch);
        return await Gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Issuer.DisposeAsync();
    }
}

internal static class TokenAnswer
{
    public static string Access(this JsonElement tokens) => tokens.GetProperty("access_token").GetString()!;

    public static string Refresh(this JsonElement tokens) => tokens.GetProperty("refresh_token").GetString()!;
}
