using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Demarc.Simulator;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>Corporate proxies and private certificate authorities on the way to platforms and their sign-in services.</summary>
[Collection("cloud environment")]
public sealed class EgressTests
{
    private const string Key = "platform: foundry, endpoint: SIMULATOR/x/anthropic, credential: { api_key: sk-known }, deployments: [{ name: m, model: claude-sonnet-4-6, hosting: azure }]";
    private const string Entra = "platform: foundry, endpoint: SIMULATOR/x/anthropic, credential: { azure: { authority: SIMULATOR } }, certificate_authorities: ca.pem, deployments: [{ name: m, model: claude-sonnet-4-6, hosting: azure }]";

    [Fact]
    public async Task A_proxy_is_used_where_a_resource_names_one_and_nowhere_else()
    {
        await using var proxy = new ForwardProxy();
        await using var place = await PlatformTests.StartAsync();
        await place.ServeAsync($"  - {{ name: through, proxy: '{proxy.Address}', {Key} }}\n  - {{ name: direct, {Key} }}");

        Assert.True((await place.AskAsync(UpstreamPlace.Body("direct/m"))).Response.IsSuccessStatusCode);
        Assert.Empty(proxy.Requests);
        var (response, body) = await place.AskAsync(UpstreamPlace.Body("through/m", stream: true));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.Contains("message_stop", body, StringComparison.Ordinal);
        Assert.Equal($"POST {place.Address}/x/anthropic/v1/messages?beta=true HTTP/1.1", Assert.Single(proxy.Requests));
    }

    [Fact]
    public async Task A_private_authority_holds_for_the_resource_that_names_it_alone()
    {
        using var authority = Authority();
        using var leaf = Leaf(authority);
        await using var proxy = new ForwardProxy();
        await using var place = await PlatformTests.StartAsync(new SimulatorOptions { Certificate = leaf });
        place.Write("ca.pem", authority.ExportCertificatePem());
        await place.ServeAsync($"  - {{ name: trusts, certificate_authorities: ca.pem, proxy: '{proxy.Address}', {Key} }}\n  - {{ name: distrusts, {Key} }}");

        var (trusted, body) = await place.AskAsync(UpstreamPlace.Body("trusts/m"));
        Assert.True(trusted.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.Equal($"CONNECT {place.Simulator.Url.Authority} HTTP/1.1", Assert.Single(proxy.Requests));
        Assert.Equal(HttpStatusCode.BadGateway, (await place.AskAsync(UpstreamPlace.Body("distrusts/m"))).Response.StatusCode);
    }

    [Fact]
    public async Task A_certificate_for_another_host_is_refused_whoever_signed_it()
    {
        using var authority = Authority();
        using var leaf = Leaf(authority, IPAddress.Parse("192.0.2.1"));
        await using var place = await PlatformTests.StartAsync(new SimulatorOptions { Certificate = leaf });
        place.Write("ca.pem", authority.ExportCertificatePem());
        await place.ServeAsync($"  - {{ name: it, certificate_authorities: ca.pem, {Key} }}");

        Assert.Equal(HttpStatusCode.BadGateway, (await place.AskAsync(UpstreamPlace.Body("m"))).Response.StatusCode);
        Assert.Empty(place.Simulator.Log.Read(0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Entra_signs_in_by_secret_and_by_a_workloads_token(bool federated)
    {
        using var authority = Authority();
        using var leaf = Leaf(authority);
        await using var place = await PlatformTests.StartAsync(new SimulatorOptions { Certificate = leaf });
        place.Write("ca.pem", authority.ExportCertificatePem());
        place.Set("AZURE_TENANT_ID", "5d4ae7a4-8b51-4f7e-9d11-0c6f0a5ed0aa");
        if (federated)
            place.Set("AZURE_FEDERATED_TOKEN_FILE", place.Write("federated", "eyJ.workload.token"));
        else
            place.Set("AZURE_CLIENT_SECRET", "of-the-operator");
        await place.ServeAsync($"  - {{ name: it, {Entra} }}");

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m", stream: true));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.Equal(1, place.Simulator.Tokens.Issued("entra"));
        Assert.Contains(place.Simulator.Log.Read(0), r => r.Target == "/5d4ae7a4-8b51-4f7e-9d11-0c6f0a5ed0aa/oauth2/v2.0/token");
    }

    internal static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Contoso private authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
    }

    internal static X509Certificate2 Leaf(X509Certificate2 authority, IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=platforms", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address ?? IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var bare = request.Create(authority, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return bare.CopyWithPrivateKey(key);
    }
}
