using System.Net;
using System.Text;
using Demarc.Tests.Harness;
using Demarc.Tests.Identity.Saml;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Every route that a browser opens, as an attacker who sends somebody there would have it.</summary>
public sealed class BrowserRouteTests
{
    private const string Evil = "evil.example";

    private static readonly string[] Routes = ["GET /device", "POST /device", "GET /oauth/callback", "GET /saml/metadata", "POST /saml/acs", "GET /saml/finish", "GET /limits/ask", "POST /limits/ask"];

    [Fact]
    public void Every_browser_route_is_tried()
    {
        // Whoever adds one adds it here.
        var forMachines = new[] { "GET /.well-known/oauth-authorization-server", "GET /.well-known/jwks.json", "POST /oauth/device_authorization", "POST /oauth/token", "POST /oauth/revoke", "GET /protocol", "POST /v1/oauth/token" };
        Assert.Equal(Demarc.Routes.SignIn.Except(forMachines).Concat(["GET /limits/ask", "POST /limits/ask"]).Order(), Routes.Order());
    }

    [Fact]
    public async Task No_route_sends_a_browser_where_a_request_says()
    {
        await using var place = await SamlPlace.StartAsync();
        using var browser = SignInPlace.NewBrowser();
        var code = (await place.DeviceAsync()).GetProperty("user_code").GetString()!;
        string[] names = ["next", "url", "return_to", "returnUrl", "redirect", "redirect_uri", "continue", "RelayState", "state", "answer", "t", "issuer", "iss"];
        foreach (var route in Routes)
            foreach (var to in new[] { $"https://{Evil}/", $"//{Evil}/", $"/\\{Evil}", $"javascript:alert('{Evil}')" })
            {
                var (method, path) = (route.Split(' ')[0], route.Split(' ')[1]);
                var query = string.Join('&', names.Select(n => $"{n}={Uri.EscapeDataString(to)}"));
                using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(place.Gateway.Url, $"{path}?{query}"));
                // Neither does a header of a proxy that nobody trusts.
                request.Headers.Add("X-Forwarded-Host", Evil);
                request.Headers.Add("X-Forwarded-Proto", "https");
                request.Headers.Add("X-Original-URL", $"https://{Evil}/");
                request.Headers.Referrer = new Uri($"https://{Evil}/");
                if (method == "POST")
                {
                    request.Headers.Add("Origin", place.Gateway.Url.GetLeftPart(UriPartial.Authority));
                    request.Content = new FormUrlEncodedContent(names.Where(n => n != "issuer").Select(n => KeyValuePair.Create(n, to)).Append(KeyValuePair.Create("user_code", code)));
                }
                using var answer = await browser.SendAsync(request, TestContext.Current.CancellationToken);
                var where = $"{route} {to}: {(int)answer.StatusCode} {answer.Headers}";
                if (answer.Headers.Location is { } location)
                    // The provider's own address, as its metadata has it.
                    Assert.True(location.IsAbsoluteUri ? location.Host == "idp.corp.example" : location.OriginalString.StartsWith("/saml/", StringComparison.Ordinal), where);
                Assert.DoesNotContain(Evil, answer.Headers.ToString(), StringComparison.Ordinal);
                Assert.False(answer.Headers.Contains("Refresh"), where);
                var page = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                Assert.DoesNotContain($"href=\"https://{Evil}", page, StringComparison.Ordinal);
                Assert.DoesNotContain($"action=\"https://{Evil}", page, StringComparison.Ordinal);
                Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
            }
    }

    [Fact]
    public async Task Where_a_machine_is_sent_does_not_follow_the_host_that_it_asks_for()
    {
        await using var place = await SamlPlace.StartAsync();
        foreach (var path in new[] { "/oauth/device_authorization", "/.well-known/oauth-authorization-server", "/saml/metadata" })
        {
            using var request = new HttpRequestMessage(path.StartsWith("/oauth/", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get, new Uri(place.Gateway.Url, path));
            request.Headers.Host = Evil;
            request.Headers.Add("X-Forwarded-Host", Evil);
            using var answer = await place.Gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Contains(place.Gateway.Url.Authority, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Evil, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_cookie_of_a_sign_in_cannot_be_planted_read_or_sent_along()
    {
        await using var plain = await SamlPlace.StartAsync();
        using (var browser = SignInPlace.NewBrowser())
        using (var typed = await plain.TypeAsync(browser, await plain.DeviceAsync()))
            Assert.Matches("^demarc-sign-in=[A-Za-z0-9_-]+; max-age=600; path=/; samesite=lax; httponly$", typed.Headers.GetValues("Set-Cookie").Single());

        await using var place = await SamlPlace.StartAsync(rest: "public_url: https://claude.contoso.example");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(place.Gateway.Gateway.Addresses[0], "/device"));
        request.Headers.Add("Origin", "https://claude.contoso.example");
        using var device = await place.Gateway.Http.PostAsync(new Uri(place.Gateway.Gateway.Addresses[0], "/oauth/device_authorization"), null, TestContext.Current.CancellationToken);
        var code = System.Text.Json.JsonDocument.Parse(await device.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("user_code").GetString()!;
        request.Content = new FormUrlEncodedContent([KeyValuePair.Create("user_code", code)]);
        using var careful = SignInPlace.NewBrowser();
        using var answer = await careful.SendAsync(request, TestContext.Current.CancellationToken);

        // A browser takes a cookie of that prefix from this very host alone, over TLS, so that no neighbour's page can set it.
        Assert.Matches("^__Host-demarc-sign-in=[A-Za-z0-9_-]+; max-age=600; path=/; secure; samesite=lax; httponly$", answer.Headers.GetValues("Set-Cookie").Single());
    }

    [Fact]
    public async Task A_code_that_is_used_too_old_or_made_up_gets_the_same_answer()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync(time: time);
        var used = await place.DeviceAsync();
        await place.ApproveAsync(used.GetProperty("user_code").GetString()!, "zed");
        var old = (await place.DeviceAsync()).GetProperty("user_code").GetString()!;
        time.Step(TimeSpan.FromMinutes(11));
        var pages = new HashSet<string>();
        foreach (var code in new[] { used.GetProperty("user_code").GetString()!, old, "BBBB-BBBB", "", "x", new string('B', 5000) })
        {
            using var browser = SignInPlace.NewBrowser();
            using var answer = await place.TypeAsync(browser, code);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            pages.Add(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
        Assert.Single(pages);
    }

    [Fact]
    public async Task A_link_of_a_refusal_is_for_whoever_has_it_and_holds_nothing_else()
    {
        await using var place = await SamlPlace.StartAsync();
        foreach (var link in new[] { "", "x", new string('A', 200) })
        {
            using var shown = await place.Gateway.Http.GetAsync(new Uri(place.Gateway.Url, "/limits/ask?t=" + link), TestContext.Current.CancellationToken);
            using var sent = await place.Gateway.Http.PostAsync(new Uri(place.Gateway.Url, "/limits/ask"), new StringContent("t=" + link, Encoding.UTF8, "application/x-www-form-urlencoded"), TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (shown.StatusCode, sent.StatusCode));
        }
    }
}
