using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml;
using Demarc.Tests.Harness;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Identity.Saml;

/// <summary>A gateway with one identity provider of SAML.</summary>
internal sealed partial class SamlPlace : IAsyncDisposable
{
    /// <summary>The entity id of the second provider.</summary>
    public const string PartnerId = "https://idp.partner.example";

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-saml-place-").FullName;

    private SamlPlace()
    {
    }

    public GatewayFixture Gateway { get; private set; } = null!;

    /// <param name="metadata">The provider's; null for that of <see cref="TestProvider"/>.</param>
    /// <param name="provider">More of the provider, for example <c>, binding: post</c>.</param>
    /// <param name="identity">More keys of <c>identity</c>, a line each.</param>
    /// <param name="partner">What a second provider has beside its name and metadata; null for none. It signs with <see cref="TestProvider.OtherKey"/>.</param>
    public static async Task<SamlPlace> StartAsync(string? metadata = null, string provider = "", string rest = "", string identity = "", ILoggerProvider? log = null, string? partner = null)
    {
        var place = new SamlPlace();
        var own = TestProvider.Configured(TestProvider.GatewayKey);
        await File.WriteAllTextAsync(Path.Combine(place._folder, "saml.pem"), own.PrivateKey.Reveal());
        await File.WriteAllTextAsync(Path.Combine(place._folder, "saml.crt"), own.CertificatePem);
        await File.WriteAllTextAsync(Path.Combine(place._folder, "idp.xml"), TestProvider.Metadata(TestProvider.EntityId, TestProvider.Key));
        var second = Path.Combine(place._folder, "partner.xml");
        await File.WriteAllTextAsync(second, TestProvider.Metadata(PartnerId, TestProvider.OtherKey));
        place.Gateway = await GatewayFixture.StartAsync($$"""
            identity:
              {{identity}}
              saml:
                keys: [{ private_key: "${file:{{place._folder}}/saml.pem}", certificate: {{place._folder}}/saml.crt }]
                providers:
                  - { name: corp, metadata: "{{metadata ?? Path.Combine(place._folder, "idp.xml")}}", allowed_groups: [developers]{{provider}} }
                  {{(partner is null ? "" : $"- {{ name: partner, metadata: \"{second}\"{partner} }}")}}
            {{rest}}
            """, log: log);
        return place;
    }

    public async Task<JsonElement> DeviceAsync()
    {
        using var answer = await Gateway.Http.PostAsync(new Uri(Gateway.Url, "/oauth/device_authorization"), new FormUrlEncodedContent([]), TestContext.Current.CancellationToken);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
    }

    /// <summary>Types the code on the page; what the gateway answers.</summary>
    public async Task<HttpResponseMessage> TypeAsync(HttpClient browser, JsonElement device, string provider = "corp")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Gateway.Url, "/device"));
        request.Headers.Add("Origin", Gateway.Url.GetLeftPart(UriPartial.Authority));
        request.Content = new FormUrlEncodedContent([KeyValuePair.Create("user_code", device.GetProperty("user_code").GetString()!), KeyValuePair.Create("issuer", provider)]);
        return await browser.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>The request that the gateway sent by redirect.</summary>
    public static XmlDocument Request(Uri redirect)
    {
        using var inflate = new DeflateStream(new MemoryStream(Convert.FromBase64String(QueryHelpers.ParseQuery(redirect.Query)["SAMLRequest"]!)), CompressionMode.Decompress);
        var document = new XmlDocument();
        document.Load(inflate);
        return document;
    }

    /// <summary>What a response to a request of this gateway says.</summary>
    public Said Said(XmlDocument request) => new()
    {
        Acs = new Uri(Gateway.Url, "/saml/acs").AbsoluteUri,
        Audience = new Uri(Gateway.Url, "/saml/metadata").AbsoluteUri,
        RequestId = request.DocumentElement!.GetAttribute("ID"),
        Now = TimeProvider.System.GetUtcNow(),
    };

    /// <summary>Posts a response as the provider's page has the browser do it: from another site, without the gateway's cookies.</summary>
    public async Task<(HttpStatusCode Status, Uri? Next, string Page)> PostAsync(XmlDocument response)
    {
        using var fresh = SignInPlace.NewBrowser();
        using var answer = await fresh.PostAsync(
            new Uri(Gateway.Url, "/saml/acs"), new FormUrlEncodedContent([KeyValuePair.Create("SAMLResponse", Convert.ToBase64String(Encoding.UTF8.GetBytes(response.OuterXml)))]),
            TestContext.Current.CancellationToken);
        return (answer.StatusCode, answer.Headers.Location is { } next ? new Uri(Gateway.Url, next) : null, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public async Task<(HttpStatusCode Status, JsonElement Json)> RedeemAsync(JsonElement device)
    {
        using var answer = await Gateway.Http.PostAsync(new Uri(Gateway.Url, "/oauth/token"), new FormUrlEncodedContent(
        [
            KeyValuePair.Create("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), KeyValuePair.Create("device_code", device.GetProperty("device_code").GetString()!),
        ]), TestContext.Current.CancellationToken);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement);
    }

    public async Task<string> RefusedAsync() =>
        (await Gateway.SqlAsync<string>("SELECT json_extract(CAST(body AS text), '$.fields.reason') FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%demarc_sign_in_refused%' ORDER BY sequence DESC LIMIT 1"))!;

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [GeneratedRegex("name=\"SAMLRequest\" value=\"([^\"]+)\"")]
    public static partial Regex RequestField();
}
