using System.Security.Cryptography.X509Certificates;
using Demarc.Serving;
using Demarc.Tests.Configuration;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Clients that show a certificate of their own.</summary>
public sealed class MutualTlsTests : IDisposable
{
    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("required", "of the authority", true)]
    [InlineData("required", "none", false)]
    [InlineData("required", "of another authority", false)]
    [InlineData("required", "for servers", false)]
    [InlineData("optional", "of the authority", true)]
    [InlineData("optional", "none", true)]
    [InlineData("optional", "of another authority", false)]
    public async Task Only_a_certificate_of_the_named_authority_is_let_in(string mode, string presented, bool letIn)
    {
        using var authority = ConfigFolder.ClientAuthority();
        using var other = ConfigFolder.ClientAuthority();
        _folder.Write("tls/client-ca.pem", authority.ExportCertificatePem());
        using var certificate = presented switch
        {
            "none" => null,
            "of another authority" => ConfigFolder.ClientCertificate(other),
            "for servers" => ConfigFolder.ClientCertificate(authority, "1.3.6.1.5.5.7.3.1"),
            _ => ConfigFolder.ClientCertificate(authority),
        };
        await using var gateway = await StartAsync($"client_certificate: {mode}");

        Assert.Equal(letIn, await IsLetInAsync(gateway, certificate));
    }

    [Fact]
    public async Task A_revoked_certificate_is_turned_away_as_soon_as_the_list_says_so()
    {
        using var authority = ConfigFolder.ClientAuthority();
        using var certificate = ConfigFolder.ClientCertificate(authority);
        using var other = ConfigFolder.ClientCertificate(authority);
        _folder.Write("tls/client-ca.pem", authority.ExportCertificatePem());
        _folder.Write("tls/client.crl", ConfigFolder.RevocationList(authority, null, other));
        await using var gateway = await StartAsync("client_crl: tls/client.crl");

        Assert.True(await IsLetInAsync(gateway, certificate));
        Assert.False(await IsLetInAsync(gateway, other));

        _folder.Write("tls/client.crl", ConfigFolder.RevocationList(authority, null, certificate));
        // The file is looked at each second; a change that is half written is waited out.
        await AdminApi.GatewayPlace.UntilAsync(TimeSpan.FromSeconds(10), async () => !await IsLetInAsync(gateway, certificate));
        Assert.True(await IsLetInAsync(gateway, other));
    }

    [Fact]
    public async Task Past_the_end_of_a_list_nobody_of_its_authority_is_let_in()
    {
        using var authority = ConfigFolder.ClientAuthority();
        using var certificate = ConfigFolder.ClientCertificate(authority);
        _folder.Write("tls/client-ca.pem", authority.ExportCertificatePem());
        _folder.Write("tls/client.crl", ConfigFolder.RevocationList(authority, TimeProvider.System.GetUtcNow().AddMinutes(-1)));
        await using var gateway = await StartAsync("client_crl: tls/client.crl");
        Assert.False(await IsLetInAsync(gateway, certificate));
    }

    [Theory]
    [InlineData("", "holds no PEM revocation list")]
    [InlineData("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", "cannot be read")]
    [InlineData("other", "no authority of client_ca has signed")]
    public void A_list_that_is_none_is_an_error_of_the_configuration(string list, string message)
    {
        using var authority = ConfigFolder.ClientAuthority();
        using var other = ConfigFolder.ClientAuthority();
        _folder.Write("tls/client-ca.pem", authority.ExportCertificatePem());
        _folder.Write("tls/client.crl", list == "other" ? ConfigFolder.RevocationList(other, null) : list);
        var problems = _folder.Read("tls: { certificate: tls/cert.pem, key: tls/key.pem, client_ca: tls/client-ca.pem, client_crl: tls/client.crl }").Problems;
        Assert.Contains(problems, p => p.Path == "tls" && p.Message.Contains(message, StringComparison.Ordinal));
        Assert.Contains(_folder.Read("tls: { certificate: tls/cert.pem, key: tls/key.pem, client_crl: tls/client.crl }").Problems, p => p.Path == "tls.client_crl");
    }

    private Task<Gateway> StartAsync(string more)
    {
        _folder.Write("demarc.yaml", $"tls: {{ certificate: tls/cert.pem, key: tls/key.pem, client_ca: tls/client-ca.pem, {more} }}");
        return Gateway.StartAsync(
            new ServeOptions { ConfigPath = _folder.ConfigPath, DataDirectory = Path.Combine(_folder.Root, "data"), Listen = "127.0.0.1:0" },
            logging: l => l.SetMinimumLevel(LogLevel.None));
    }

    private async Task<bool> IsLetInAsync(Gateway gateway, X509Certificate2? certificate)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false };
        var own = await File.ReadAllTextAsync(_folder.Tls.Certificate, TestContext.Current.CancellationToken);
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 leaf && own.Contains(leaf.ExportCertificatePem(), StringComparison.Ordinal);
        if (certificate is not null)
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        using var client = new HttpClient(handler);

        try
        {
            await client.GetStringAsync(new Uri(gateway.Url, "/livez"), TestContext.Current.CancellationToken);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
