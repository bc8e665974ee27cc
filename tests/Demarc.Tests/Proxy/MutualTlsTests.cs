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
        _folder.Write("demarc.yaml", $"tls: {{ certificate: tls/cert.pem, key: tls/key.pem, client_ca: tls/client-ca.pem, client_certificate: {mode} }}");
        await using var gateway = await Gateway.StartAsync(
            new ServeOptions { ConfigPath = _folder.ConfigPath, DataDirectory = Path.Combine(_folder.Root, "data"), Listen = "127.0.0.1:0" },
            logging: l => l.SetMinimumLevel(LogLevel.None));
        using var handler = new SocketsHttpHandler { UseProxy = false };
        var own = await File.ReadAllTextAsync(_folder.Tls.Certificate, TestContext.Current.CancellationToken);
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 leaf && own.Contains(leaf.ExportCertificatePem(), StringComparison.Ordinal);
        if (certificate is not null)
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        using var client = new HttpClient(handler);

        var answer = await Record.ExceptionAsync(() => client.GetStringAsync(new Uri(gateway.Url, "/livez"), TestContext.Current.CancellationToken));

        if (letIn)
            Assert.Null(answer);
        else
            Assert.IsType<HttpRequestException>(answer);
    }
}
