using System.Net;
using Demarc.Tests.Identity;
using Demarc.Tests.Identity.Saml;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>
/// A real browser through the verification page and back. The identity provider is <c>localhost</c> and the gateway 127.0.0.1, so
/// that what comes back comes from another site, as browsers judge it.
/// </summary>
public sealed class BrowserSignInTests
{
    [Fact]
    public async Task A_person_signs_in_through_OpenID_Connect()
    {
        await using var place = await SignInPlace.StartAsync(host: "localhost");
        await using var browser = await Browser.StartAsync();
        var device = await place.DeviceAsync();

        await browser.GoAsync(device.GetProperty("verification_uri_complete").GetString()!);
        Assert.Contains("Nobody will ever send you one", await browser.ShowsAsync("Continue with corp"), StringComparison.Ordinal);
        Assert.Equal(device.GetProperty("user_code").GetString(), await browser.EvaluateAsync("document.querySelector('input[name=user_code]').value"));
        await browser.ClickAsync("button[name=issuer]");
        await browser.ShowsAsync($"complete {place.Issuer.Url.AbsoluteUri}interaction");
        await browser.FillAsync("input[name=login]", "zed");
        await browser.FillAsync("input[name=password]", "any");
        await browser.ClickAsync("button[type=submit]");
        await browser.ShowsAsync("Authorize");
        await browser.ClickAsync("button[type=submit]");
        await browser.ShowsAsync("You are signed in as zed@corp.example");

        Assert.Equal(HttpStatusCode.OK, (await place.RedeemAsync(device)).Status);
        // The page has no script, and no cookie of the sign-in is left.
        Assert.Equal("0", await browser.EvaluateAsync("String(document.scripts.length)"));
        Assert.DoesNotContain("demarc-sign-in", await browser.CookiesAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(", binding: post")]
    public async Task A_person_signs_in_through_SAML(string binding)
    {
        await using var issuer = await SimpleSamlPhp.StartAsync("localhost");
        await using var place = await SamlPlace.StartAsync(issuer.MetadataPath, binding);
        await issuer.RegisterAsync(place.Gateway.Http, place.Gateway.Url);
        await using var browser = await Browser.StartAsync();
        var device = await place.DeviceAsync();

        await browser.GoAsync(device.GetProperty("verification_uri_complete").GetString()!);
        await browser.ShowsAsync("Continue with corp");
        await browser.ClickAsync("button[name=issuer]");
        if (binding.Length > 0)
        {
            await browser.ShowsAsync("Continue to corp");
            await browser.ClickAsync("button");
        }
        await browser.ShowsAsync("complete http://localhost:");
        await browser.FillAsync("input[name=username]", "zed");
        await browser.FillAsync("input[name=password]", "secret");
        await browser.ClickAsync("form[name=f] button, #submit_button");
        // Its page forwards the answer by a script; the gateway's own takes it from there, with the cookie of this browser.
        await browser.ShowsAsync("You are signed in as zed@corp.example");

        Assert.Equal("zed@corp.example", (await place.RedeemAsync(device)).Json.GetProperty("email").GetString());
        Assert.DoesNotContain("demarc-sign-in", await browser.CookiesAsync(), StringComparison.Ordinal);
    }
}
