using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml;
using Demarc.Control.Identity.Saml;
using Demarc.Tests.Harness;
using Microsoft.AspNetCore.WebUtilities;
using Xunit;

namespace Demarc.Tests.Identity.Saml;

/// <summary>Sign-in through providers of SAML, as a browser sees it.</summary>
public sealed class SamlSignInTests
{
    [Theory]
    [InlineData("")]
    [InlineData(", binding: post, require_encryption: true")]
    public async Task A_person_signs_in_through_SimpleSAMLphp(string provider)
    {
        await using var issuer = await SimpleSamlPhp.StartAsync();
        await using var place = await SamlPlace.StartAsync(issuer.MetadataPath, provider);
        await issuer.RegisterAsync(place.Gateway.Http, place.Gateway.Url);
        foreach (var (name, status, says) in new[] { ("zed", HttpStatusCode.OK, "signed in as zed@corp.example"), ("eve", HttpStatusCode.Forbidden, "in no group that may use this gateway") })
        {
            using var browser = SignInPlace.NewBrowser();
            var device = await place.DeviceAsync();
            using var typed = await place.TypeAsync(browser, device);
            var (to, form) = typed.Headers.Location is { } redirect
                ? await SimpleSamlPhp.LogInAsync(browser, redirect, name, "secret")
                : await PostedAsync(browser, typed, name);
            Assert.Equal(new Uri(place.Gateway.Url, "/saml/acs"), to);
            using var answered = await browser.PostAsync(to, new FormUrlEncodedContent(form), TestContext.Current.CancellationToken);
            var page = answered.Headers.Location is { } next ? await browser.GetAsync(new Uri(to, next), TestContext.Current.CancellationToken) : answered;
            Assert.Equal(status, page.StatusCode);
            Assert.Contains(says, await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
            if (status == HttpStatusCode.OK)
                Assert.Equal("zed@corp.example", (await place.RedeemAsync(device)).Json.GetProperty("email").GetString());
        }
        Assert.Equal("all developers", await place.Gateway.SqlAsync<string>("SELECT group_concat(g.name, ' ') FROM (SELECT g.name FROM group_members m JOIN groups g ON g.id = m.group_id JOIN users u ON u.id = m.member_id WHERE u.email = 'zed@corp.example' ORDER BY g.name) AS g"));
    }

    [Fact]
    public async Task A_request_is_signed_and_names_where_the_answer_goes()
    {
        await using var place = await SamlPlace.StartAsync();
        using var browser = SignInPlace.NewBrowser();
        using var typed = await place.TypeAsync(browser, await place.DeviceAsync());
        var redirect = typed.Headers.Location!;

        var request = SamlPlace.Request(redirect);
        Assert.Equal("https://idp.corp.example/sso", request.DocumentElement!.GetAttribute("Destination"));
        Assert.Equal(new Uri(place.Gateway.Url, "/saml/acs").AbsoluteUri, request.DocumentElement.GetAttribute("AssertionConsumerServiceURL"));
        var (signed, signature) = (redirect.Query[1..redirect.Query.IndexOf("&Signature=", StringComparison.Ordinal)], QueryHelpers.ParseQuery(redirect.Query)["Signature"].ToString());
        using var key = TestProvider.GatewayKey.GetRSAPublicKey()!;
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes(signed), Convert.FromBase64String(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

        await using var posting = await SamlPlace.StartAsync(provider: ", binding: post");
        using var form = await posting.TypeAsync(browser, await posting.DeviceAsync());
        var html = await form.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var posted = SamlXml.Load(Convert.FromBase64String(WebUtility.HtmlDecode(SamlPlace.RequestField().Match(html).Groups[1].Value)));
        Assert.Equal("AuthnRequest", SamlSignature.Signed(posted, [TestProvider.GatewayKey]).LocalName);
        // No script on the page of codes: the person sends it on.
        Assert.Contains("<button>Continue to corp</button>", html, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", form.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assertion_counts_once_and_for_the_browser_that_asked()
    {
        await using var place = await SamlPlace.StartAsync();
        using var browser = SignInPlace.NewBrowser();
        var device = await place.DeviceAsync();
        using var typed = await place.TypeAsync(browser, device);
        var response = place.Said(SamlPlace.Request(typed.Headers.Location!)).Signed();

        var (status, next, _) = await place.PostAsync(response);
        Assert.Equal(HttpStatusCode.SeeOther, status);
        var replayed = await place.PostAsync(response);
        Assert.Equal(HttpStatusCode.Forbidden, replayed.Status);
        Assert.Equal("saml_replay", await place.RefusedAsync());
        // The browser learns no reason.
        Assert.DoesNotContain("second time", replayed.Page, StringComparison.Ordinal);

        using (var other = SignInPlace.NewBrowser())
        using (var stranger = await other.GetAsync(next, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.BadRequest, stranger.StatusCode);
        using (var done = await browser.GetAsync(next, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        using (var again = await browser.GetAsync(next, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.BadRequest, again.StatusCode);
        Assert.Equal("zed@corp.example", (await place.RedeemAsync(device)).Json.GetProperty("email").GetString());
    }

    [Fact]
    public async Task An_answer_to_another_browsers_request_signs_nobody_in()
    {
        await using var place = await SamlPlace.StartAsync();
        using var attacker = SignInPlace.NewBrowser();
        using var victim = SignInPlace.NewBrowser();
        var (theirs, own) = (await place.DeviceAsync(), await place.DeviceAsync());
        using var asked = await place.TypeAsync(attacker, theirs);
        using var typed = await place.TypeAsync(victim, own);
        var (_, next, _) = await place.PostAsync(place.Said(SamlPlace.Request(asked.Headers.Location!)).Signed());

        using var page = await victim.GetAsync(next, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, page.StatusCode);
        Assert.Equal("saml_in_response_to", await place.RefusedAsync());
        Assert.Equal("access_denied", (await place.RedeemAsync(own)).Json.GetProperty("error").GetString());
        Assert.Equal("authorization_pending", (await place.RedeemAsync(theirs)).Json.GetProperty("error").GetString());
    }

    [Fact]
    public async Task Of_several_providers_the_one_that_is_chosen_is_asked_and_no_other_answers_for_it()
    {
        await using var place = await SamlPlace.StartAsync(partner: ", allowed_groups: [\"*\"]");
        using (var page = await place.Gateway.Http.GetAsync(new Uri(place.Gateway.Url, "/device"), TestContext.Current.CancellationToken))
        {
            var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(html.Contains("corp", StringComparison.Ordinal) && html.Contains("partner", StringComparison.Ordinal), html);
        }
        using var browser = SignInPlace.NewBrowser();
        var device = await place.DeviceAsync();
        using var typed = await place.TypeAsync(browser, device, "partner");
        var said = place.Said(SamlPlace.Request(typed.Headers.Location!));

        // 1 the other provider answers, under its own name and under this one's
        var (status, next, _) = await place.PostAsync((said with { Subject = "zed" }).Signed());
        Assert.Equal(HttpStatusCode.SeeOther, status);
        using (var swapped = await browser.GetAsync(next, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.Forbidden, swapped.StatusCode);
        Assert.Equal("saml_in_response_to", await place.RefusedAsync());
        Assert.Equal(HttpStatusCode.Forbidden, (await place.PostAsync((said with { Issuer = SamlPlace.PartnerId }).Signed())).Status);
        Assert.Equal("saml_signature", await place.RefusedAsync());

        // 2 the one that was chosen
        device = await place.DeviceAsync();
        using var again = await place.TypeAsync(browser, device, "partner");
        said = place.Said(SamlPlace.Request(again.Headers.Location!)) with { Issuer = SamlPlace.PartnerId, Subject = "ana", AssertionId = "_another" };
        var (answered, finish, refusal) = await place.PostAsync(said.Xml().Sign("_another", key: TestProvider.OtherKey));
        Assert.True(answered == HttpStatusCode.SeeOther, refusal);
        using (var done = await browser.GetAsync(finish, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        Assert.Equal("ana@corp.example", (await place.RedeemAsync(device)).Json.GetProperty("email").GetString());
        Assert.Equal(SamlPlace.PartnerId, await place.Gateway.SqlAsync<string>("SELECT issuer FROM identities"));
    }

    [Theory]
    [InlineData("[Corp.example]", HttpStatusCode.OK)]
    [InlineData("[partner.example, sub.corp.example]", HttpStatusCode.Forbidden)]
    public async Task A_provider_vouches_for_addresses_of_its_own_domains_alone(string domains, HttpStatusCode expected)
    {
        await using var place = await SamlPlace.StartAsync(provider: $", email_domains: {domains}");
        using var browser = SignInPlace.NewBrowser();
        using var typed = await place.TypeAsync(browser, await place.DeviceAsync());

        var (status, next, page) = await place.PostAsync(place.Said(SamlPlace.Request(typed.Headers.Location!)).Signed());

        if (expected == HttpStatusCode.OK)
        {
            using var done = await browser.GetAsync(next, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
            return;
        }
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Equal("email_domain", await place.RefusedAsync());
        Assert.DoesNotContain("partner.example", page, StringComparison.Ordinal);
        Assert.Equal(0, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM identities"));
    }

    [Fact]
    public async Task An_answer_that_nobody_asked_for_is_refused_and_guessing_ends()
    {
        await using var place = await SamlPlace.StartAsync();
        var invented = new XmlDocument();
        invented.LoadXml("""<a ID="_0000000000000000000000000000000000000000000000000000000000000000000000"/>""");
        Assert.Equal(HttpStatusCode.Forbidden, (await place.PostAsync(place.Said(invented).Signed())).Status);
        Assert.Equal("saml_in_response_to", await place.RefusedAsync());
        for (var i = 0; i < 9; i++)
            await place.PostAsync(place.Said(invented).Xml());
        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.PostAsync(place.Said(invented).Signed())).Status);
    }

    private static async Task<(Uri To, Dictionary<string, string> Form)> PostedAsync(HttpClient browser, HttpResponseMessage typed, string name)
    {
        var html = await typed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var to = new Uri(WebUtility.HtmlDecode(html.Split("action=\"")[1].Split('"')[0]));
        using var sent = await browser.PostAsync(
            to, new FormUrlEncodedContent([KeyValuePair.Create("SAMLRequest", WebUtility.HtmlDecode(SamlPlace.RequestField().Match(html).Groups[1].Value))]), TestContext.Current.CancellationToken);
        return await SimpleSamlPhp.LogInAsync(browser, new Uri(to, sent.Headers.Location!), name, "secret");
    }
}
