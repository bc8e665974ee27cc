using System.Buffers.Text;
using System.Net;
using System.Text;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>What somebody sends who is not the person, not the browser or not the machine.</summary>
public sealed class SignInAttackTests
{
    [Fact]
    public async Task A_form_of_another_site_begins_nothing()
    {
        await using var place = await SignInPlace.StartAsync();
        var code = (await place.DeviceAsync()).GetProperty("user_code").GetString()!;
        using var browser = SignInPlace.NewBrowser();

        foreach (var origin in new[] { "https://evil.example", "null", place.Gateway.Url.GetLeftPart(UriPartial.Authority) + ".evil.example" })
        {
            using var answer = await place.TypeAsync(browser, code, origin);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            Assert.False(answer.Headers.Contains("Set-Cookie"));
        }
        using var without = await browser.PostAsync(new Uri(place.Gateway.Url, "/device"), new FormUrlEncodedContent([KeyValuePair.Create("user_code", code)]), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
        using var own = await place.TypeAsync(browser, code.ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.SeeOther, own.StatusCode);
        Assert.StartsWith(place.Issuer.Url.AbsoluteUri, own.Headers.Location!.AbsoluteUri, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_of_the_issuer_holds_in_the_browser_that_asked_and_once()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync(time: time);
        var device = await place.DeviceAsync();
        using var browser = SignInPlace.NewBrowser();
        using var typed = await place.TypeAsync(browser, device.GetProperty("user_code").GetString()!);
        var cookie = typed.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        var back = await OidcProvider.LogInAsync(browser, typed.Headers.Location!, place.Gateway.Url, "zed");

        // Session fixation and login CSRF: the victim's browser has not begun this sign-in.
        using var victim = SignInPlace.NewBrowser();
        await RefusedAsync(victim, back);
        // A state that is not the one in the cookie.
        await RefusedAsync(browser, new Uri(back.AbsoluteUri.Replace("state=", "state=x", StringComparison.Ordinal)));
        // The first wrong answer has taken the cookie: with it again, the right one is taken, and only once.
        Assert.Equal(HttpStatusCode.OK, await WithCookieAsync(back, cookie));
        Assert.Equal(HttpStatusCode.Forbidden, await WithCookieAsync(back, cookie));
        Assert.Equal(HttpStatusCode.BadRequest, await WithCookieAsync(back, cookie[..^4] + "AAAA"));
        Assert.Equal(HttpStatusCode.OK, (await place.RedeemAsync(device)).Status);
        time.Step(TimeSpan.FromSeconds(5));
        Assert.Equal("invalid_grant", (await place.RedeemAsync(device)).Json.GetProperty("error").GetString());

        static async Task RefusedAsync(HttpClient from, Uri at)
        {
            using var answer = await from.GetAsync(at, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }

        static async Task<HttpStatusCode> WithCookieAsync(Uri at, string cookie)
        {
            using var plain = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false });
            using var request = new HttpRequestMessage(HttpMethod.Get, at);
            request.Headers.Add("Cookie", cookie);
            using var answer = await plain.SendAsync(request, TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task The_page_shows_what_it_is_given_as_text_and_runs_nothing()
    {
        await using var place = await SignInPlace.StartAsync();
        using var page = await place.Gateway.Http.GetAsync(new Uri(place.Gateway.Url, "/device?user_code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&next=https://evil.example"), TestContext.Current.CancellationToken);
        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("evil.example", html, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", html, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("DENY", page.Headers.GetValues("X-Frame-Options").Single());
        Assert.True(page.Headers.CacheControl!.NoStore);
    }

    [Fact]
    public async Task Codes_cannot_be_tried_one_after_the_other()
    {
        await using var place = await SignInPlace.StartAsync();
        var code = (await place.DeviceAsync()).GetProperty("user_code").GetString()!;
        using var browser = SignInPlace.NewBrowser();
        for (var i = 0; i < 10; i++)
        {
            using var wrong = await place.TypeAsync(browser, $"BBBB-BBB{"BCDFGHJKLM"[i]}");
            Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        }
        using var right = await place.TypeAsync(browser, code);
        Assert.Equal(HttpStatusCode.TooManyRequests, right.StatusCode);
    }

    [Fact]
    public async Task Machines_that_ask_without_end_are_told_to_slow_down()
    {
        await using var place = await SignInPlace.StartAsync();
        for (var i = 0; i < 60; i++)
            Assert.Equal(HttpStatusCode.OK, (await place.PostAsync("/oauth/device_authorization")).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.PostAsync("/oauth/device_authorization")).Status);
    }

    [Fact]
    public async Task A_token_that_was_changed_or_made_up_is_nobodys()
    {
        await using var place = await SignInPlace.StartAsync();
        var tokens = await place.SignInAsync();
        string[] parts = tokens.Access().Split('.');
        var claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1]));
        var none = Encode("""{"alg":"none","typ":"at+jwt"}""");

        foreach (var forged in new[]
        {
            $"{parts[0]}.{Encode(claims.Replace("developers", "admins", StringComparison.Ordinal))}.{parts[2]}",
            $"{none}.{parts[1]}.",
            $"{none}.{parts[1]}.{parts[2]}",
            $"{Encode(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0])).Replace("ES256", "HS256", StringComparison.Ordinal))}.{parts[1]}.{parts[2]}",
            $"{parts[0]}.{parts[1]}",
            $"{parts[0]}.{parts[1]}.{parts[2]}.",
            $"{parts[0]}.%%%.{parts[2]}",
            "eyJ" + new string('A', 20_000),
        })
        {
            using var answer = await place.AskAsync(forged);
            Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, forged);
        }
        Assert.Equal(HttpStatusCode.Unauthorized, (await place.RefreshAsync(tokens.Refresh()[..^1] + (tokens.Refresh()[^1] == 'A' ? 'B' : 'A'))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await place.RefreshAsync(tokens.Access())).Status);
        using var administration = await place.GetAsync("/v1/organizations/users", tokens.Access());
        Assert.Equal(HttpStatusCode.Forbidden, administration.StatusCode);
        using var own = await place.AskAsync(tokens.Access());
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
    }

    [Fact]
    public async Task An_access_token_ends_by_itself_and_so_does_the_session()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync("access_token: 10m\n  session: 20m", time: time);
        var tokens = await place.SignInAsync();
        time.Step(TimeSpan.FromMinutes(11));
        using (var answer = await place.AskAsync(tokens.Access()))
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        var (status, next) = await place.RefreshAsync(tokens.Refresh());
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.InRange(next.GetProperty("expires_in").GetInt64(), 1, 540);
        time.Step(TimeSpan.FromMinutes(10));
        Assert.Equal(HttpStatusCode.Unauthorized, (await place.RefreshAsync(next.Refresh())).Status);
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
