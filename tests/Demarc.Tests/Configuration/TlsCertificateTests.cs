using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Demarc.Control.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Configuration;

public sealed class TlsCertificateTests : IDisposable
{
    private const int Loaded = 2111;
    private const int Kept = 2113;

    private readonly ConfigFolder _folder = new();
    private readonly Journal<TlsCertificate> _journal = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_renewed_certificate_is_used_by_the_next_handshake_and_a_bad_one_is_not()
    {
        using var first = _folder.WriteCertificate("CN=first");
        using var certificate = new TlsCertificate(_folder.Tls, HastyTime.Instance, _journal);
        await certificate.StartAsync(TestContext.Current.CancellationToken);
        await using var server = await ServeAsync(certificate);

        var seen = await HandshakeAsync(server);
        Assert.Equal(["CN=first", "CN=issuer-first"], seen.Chain);
        Assert.Equal(Fingerprint(first), seen.Fingerprint);
        Assert.Equal(Fingerprint(first), certificate.Fingerprint);
        Assert.Contains(Fingerprint(first), (await _journal.NextAsync(Loaded)).Line, StringComparison.Ordinal);

        using var second = _folder.WriteCertificate("CN=second");
        Assert.Contains(Fingerprint(second), (await _journal.NextAsync(Loaded)).Line, StringComparison.Ordinal);
        Assert.Equal(["CN=second", "CN=issuer-second"], (await HandshakeAsync(server)).Chain);

        _folder.Write("tls/cert.pem", "nonsense");
        var (level, line) = await _journal.NextAsync(Kept);
        Assert.Equal(LogLevel.Error, level);
        Assert.Contains("holds no PEM certificate", line, StringComparison.Ordinal);
        Assert.Equal(Fingerprint(second), (await HandshakeAsync(server)).Fingerprint);

        await certificate.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Other_files_are_used_at_once()
    {
        using var certificate = new TlsCertificate(_folder.Tls, HastyTime.Instance, _journal);
        var before = certificate.Fingerprint;
        File.Copy(_folder.Tls.Key, _folder.Tls.Key + ".first");
        File.Copy(_folder.Tls.Certificate, _folder.Tls.Certificate + ".first");
        using var second = _folder.WriteCertificate("CN=second");

        certificate.Use(new TlsConfig(_folder.Tls.Certificate + ".first", _folder.Tls.Key));
        Assert.Equal(before, certificate.Fingerprint);
        certificate.Use(_folder.Tls);
        Assert.Equal(Fingerprint(second), certificate.Fingerprint);
        Assert.Equal(Fingerprint(second), string.Join(':', SHA256.HashData(certificate.Leaf.RawData).Select(b => b.ToString("X2", null))));
        Assert.True(certificate.Leaf.HasPrivateKey);
    }

    [Fact]
    public void Bad_files_stop_the_start()
    {
        _folder.Write("tls/key.pem", "nonsense");
        Assert.Throws<CryptographicException>(() => new TlsCertificate(_folder.Tls, HastyTime.Instance, _journal));
        File.Delete(_folder.Tls.Key);
        Assert.Throws<FileNotFoundException>(() => new TlsCertificate(_folder.Tls, HastyTime.Instance, _journal));
    }

    private static string Fingerprint(X509Certificate2 certificate) =>
        string.Join(':', SHA256.HashData(certificate.RawData).Select(b => b.ToString("X2", null)));

    private static async Task<WebApplication> ServeAsync(TlsCertificate certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, 0, listen => listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(certificate.ServerOptions()),
            })));
        var server = builder.Build();
        await server.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>What a client sees: the subjects that the server sent, leaf first, and the leaf's fingerprint.</summary>
    private static async Task<(string[] Chain, string Fingerprint)> HandshakeAsync(WebApplication server)
    {
        var address = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(address).Port, TestContext.Current.CancellationToken);
        var seen = (Chain: Array.Empty<string>(), Fingerprint: "");
        await using var tls = new SslStream(client.GetStream(), false, (_, leaf, chain, _) =>
        {
            var sent = chain!.ChainPolicy.ExtraStore.Select(c => c.Subject).Where(s => s != leaf!.Subject);
            seen = ([leaf!.Subject, .. sent], Fingerprint((X509Certificate2)leaf));
            return true;
        });
        await tls.AuthenticateAsClientAsync("localhost");
        return seen;
    }
}
