using System.Net;
using System.Security.Cryptography;
using System.Text;
using Demarc.Control.Identity.Tokens;
using Demarc.Tests.Harness;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>What issuers of OpenID Connect differ in: their keys, how clients prove themselves, where groups stand; and several at once.</summary>
public sealed class IssuerTests
{
    [Fact]
    public async Task A_key_that_the_issuer_has_rolled_is_learned_when_a_token_names_it_and_once_a_minute()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync(time: time);
        await place.SignInAsync();
        Assert.Equal(1, await place.Issuer.AskedAsync());

        await place.Issuer.RotateAsync();
        await place.SignInAsync();
        Assert.Equal(2, await place.Issuer.AskedAsync());

        // Another one within the minute is not asked for: whoever makes keys up would have the issuer asked without end.
        await place.Issuer.RotateAsync();
        for (var i = 0; i < 2; i++)
            Assert.Equal(HttpStatusCode.Forbidden, (await place.ApproveAsync((await place.DeviceAsync()).GetProperty("user_code").GetString()!, "zed")).Status);
        Assert.Equal(2, await place.Issuer.AskedAsync());
        time.Step(TimeSpan.FromSeconds(61));
        await place.SignInAsync();
        Assert.Equal(3, await place.Issuer.AskedAsync());
    }

    [Fact]
    public async Task Made_up_keys_have_an_issuer_asked_no_more_than_once_a_minute()
    {
        await using var issuer = await OidcProvider.StartAsync();
        await issuer.RegisterAsync(new Uri("http://127.0.0.1:1"));
        var time = new SteppedTime();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var keys = new TokenKeys(issuer.Url, http, time);

        for (var minute = 1; minute <= 3; minute++)
        {
            var refusals = await Task.WhenAll(Enumerable.Range(0, 30).Select(async i =>
                (await Assert.ThrowsAsync<TokenException>(() => keys.ValidateAsync(Forged($"made-up-{minute}-{i}"), ["https://corp.example"], ["demarc"], TestContext.Current.CancellationToken))).Code));
            Assert.All(refusals, code => Assert.Equal("key", code));
            Assert.Equal(1 + minute, await issuer.AskedAsync());
            time.Step(TimeSpan.FromSeconds(61));
        }
    }

    [Fact]
    public async Task An_issuer_that_is_away_when_the_day_is_over_takes_nobodys_credential()
    {
        var issuer = await OidcProvider.StartAsync();
        await issuer.RegisterAsync(new Uri("http://127.0.0.1:1"));
        var time = new SteppedTime();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var keys = new TokenKeys(issuer.Url, http, time);
        async Task<string> CodeAsync() => (await Assert.ThrowsAsync<TokenException>(() => keys.ValidateAsync(Forged("x"), ["https://corp.example"], ["demarc"], TestContext.Current.CancellationToken))).Code;
        Assert.Equal("key", await CodeAsync());
        await issuer.DisposeAsync();

        // What is kept decides still: what it lacks, it lacks.
        time.Step(TimeSpan.FromHours(25));
        Assert.Equal("key", await CodeAsync());
        time.Step(TimeSpan.FromHours(25));
        Assert.Equal("keys_unreachable", await CodeAsync());
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task The_gateway_proves_itself_by_a_key_without_a_shared_secret(string algorithm)
    {
        var (pem, jwk) = algorithm == "RS256" ? Rsa() : Ec();
        var folder = Directory.CreateTempSubdirectory("demarc-client-key-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "client.pem"), pem, TestContext.Current.CancellationToken);
            var setup = new OidcSetup($$$"""{"client_secret":null,"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"{{{algorithm}}}","jwks":{"keys":[{{{jwk}}}]}}""");
            await using var place = await SignInPlace.StartAsync("recheck: 15m", setup: setup, keys: $"private_key: \"${{file:{folder}/client.pem}}\"");

            var tokens = await place.SignInAsync();

            Assert.Equal("zed@corp.example", tokens.GetProperty("email").GetString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("groups")]
    [InlineData("/access/demarc~1gateway/roles")]
    public async Task Groups_that_userinfo_alone_names_count(string claim)
    {
        await using var place = await SignInPlace.StartAsync(setup: new OidcSetup(UserInfo: true), keys: $"client_secret: a secret of the test, groups: \"{claim}\"");

        await place.SignInAsync();

        Assert.Equal("developers", await place.Gateway.SqlAsync<string>("SELECT g.name FROM group_members m JOIN groups g ON g.id = m.group_id JOIN users u ON u.id = m.member_id WHERE u.email = 'zed@corp.example'"));
        var device = await place.DeviceAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await place.ApproveAsync(device.GetProperty("user_code").GetString()!, "eve+marketing")).Status);
    }

    [Fact]
    public async Task Groups_at_a_pointer_into_the_id_token_count()
    {
        await using var place = await SignInPlace.StartAsync(keys: "client_secret: a secret of the test, groups: \"/access/demarc~1gateway/roles\"");
        await place.SignInAsync();
        Assert.Equal("developers", await place.Gateway.SqlAsync<string>("SELECT g.name FROM group_members m JOIN groups g ON g.id = m.group_id JOIN users u ON u.id = m.member_id WHERE u.email = 'zed@corp.example'"));
    }

    [Fact]
    public async Task Of_several_issuers_the_one_that_is_chosen_is_asked_and_no_other_answers_for_it()
    {
        await using var other = await OidcProvider.StartAsync();
        await using var place = await SignInPlace.StartAsync(
            more: $"- {{ name: partner, issuer: \"{other.Url.AbsoluteUri.TrimEnd('/')}\", client_id: demarc, client_secret: a secret of the test, allowed_groups: [contractors] }}");
        await other.RegisterAsync(place.Gateway.Url);
        var device = await place.DeviceAsync();
        var code = device.GetProperty("user_code").GetString()!;
        using var browser = SignInPlace.NewBrowser();
        var page = await browser.GetStringAsync(new Uri(place.Gateway.Url, "/device"), TestContext.Current.CancellationToken);
        Assert.Contains("<button name=\"issuer\" value=\"corp\">Continue with corp</button> <button name=\"issuer\" value=\"partner\">Continue with partner</button>", page, StringComparison.Ordinal);
        foreach (var unknown in new[] { "", "nobody", "Corp" })
        {
            using var refused = await place.TypeAsync(browser, code, issuer: unknown);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("Choose whose account", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        using var typed = await place.TypeAsync(browser, code, issuer: "partner");
        Assert.Equal(other.Url.Authority, typed.Headers.Location!.Authority);
        var back = await OidcProvider.LogInAsync(browser, typed.Headers.Location, place.Gateway.Url, "ana+contractors");
        // A mix-up (RFC 9207): the answer says that another issuer gives it.
        using (var mixed = SignInPlace.NewBrowser())
        {
            var own = await place.DeviceAsync();
            using var begun = await place.TypeAsync(mixed, own.GetProperty("user_code").GetString()!);
            var answer = await OidcProvider.LogInAsync(mixed, begun.Headers.Location!, place.Gateway.Url, "zed");
            using var swapped = await mixed.GetAsync(new Uri(answer.AbsoluteUri.Replace($"iss={Uri.EscapeDataString(place.Issuer.Url.AbsoluteUri.TrimEnd('/'))}", $"iss={Uri.EscapeDataString(other.Url.AbsoluteUri.TrimEnd('/'))}", StringComparison.Ordinal)), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Forbidden, swapped.StatusCode);
        }
        using var done = await browser.GetAsync(back, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        Assert.Equal("ana@corp.example", (await place.RedeemAsync(device)).Json.GetProperty("email").GetString());

        // Whom two of them know by the same address is one person, for whom both vouch.
        using var again = await place.TypeAsync(browser, (await place.DeviceAsync()).GetProperty("user_code").GetString()!);
        using var linked = await browser.GetAsync(await OidcProvider.LogInAsync(browser, again.Headers.Location!, place.Gateway.Url, "ana"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, linked.StatusCode);
        Assert.Equal(1, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM users WHERE email = 'ana@corp.example'"));
    }

    [Fact]
    public async Task An_issuer_vouches_for_addresses_of_its_own_domains_alone()
    {
        await using var other = await OidcProvider.StartAsync();
        await using var place = await SignInPlace.StartAsync(
            keys: "client_secret: a secret of the test, email_domains: [Corp.example]",
            more: $"- {{ name: partner, issuer: \"{other.Url.AbsoluteUri.TrimEnd('/')}\", client_id: demarc, client_secret: a secret of the test, allowed_groups: [\"*\"], email_domains: [partner.example] }}");
        await other.RegisterAsync(place.Gateway.Url);
        await place.SignInAsync();

        using var browser = SignInPlace.NewBrowser();
        using var typed = await place.TypeAsync(browser, (await place.DeviceAsync()).GetProperty("user_code").GetString()!, issuer: "partner");
        using var taken = await browser.GetAsync(await OidcProvider.LogInAsync(browser, typed.Headers.Location!, place.Gateway.Url, "zed"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, taken.StatusCode);
        Assert.Equal(1, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%demarc_sign_in_refused%email_domain%'"));
        Assert.Equal(1, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM sign_ins"));
    }

    private static string Forged(string kid)
    {
        var now = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();
        return $"{Base64UrlEncoder.Encode($$"""{"alg":"RS256","kid":"{{kid}}"}""")}.{Base64UrlEncoder.Encode($$"""{"iss":"https://corp.example","aud":"demarc","exp":{{now}}}""")}.{Base64UrlEncoder.Encode(new byte[256])}";
    }

    private static (string Pem, string Jwk) Rsa()
    {
        using var rsa = RSA.Create(2048);
        var key = rsa.ExportParameters(false);
        return (rsa.ExportPkcs8PrivateKeyPem(), $$"""{"kty":"RSA","use":"sig","n":"{{Base64UrlEncoder.Encode(key.Modulus)}}","e":"{{Base64UrlEncoder.Encode(key.Exponent)}}"}""");
    }

    private static (string Pem, string Jwk) Ec()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var key = ec.ExportParameters(false);
        return (ec.ExportPkcs8PrivateKeyPem(), $$"""{"kty":"EC","use":"sig","crv":"P-256","x":"{{Base64UrlEncoder.Encode(key.Q.X)}}","y":"{{Base64UrlEncoder.Encode(key.Q.Y)}}"}""");
    }
}
