using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Configuration;

/// <summary>
/// The certificate that Demarc answers with, read from PEM files and read again when they change. A bad
/// change keeps the last good one and is logged. Run it as a hosted service.
/// </summary>
public sealed partial class TlsCertificate : BackgroundService
{
    private readonly TimeProvider _time;
    private readonly ILogger<TlsCertificate> _logger;
    private readonly Lock _loading = new();
    private readonly FileWatch _watch;

    private TlsConfig _files;
    // Replaced ones are left to the collector: a handshake may still use them.
    private volatile TlsMaterial _material;

    /// <summary>Loads the files; throws <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/> or <see cref="CryptographicException"/>.</summary>
    public TlsCertificate(TlsConfig files, TimeProvider time, ILogger<TlsCertificate> logger)
    {
        (_files, _time, _logger) = (files, time, logger);
        var hashes = new FileHashes();
        _material = Read(files, hashes);
        _watch = new FileWatch(hashes, File.ReadAllBytes, time);
        Announce();
    }

    /// <summary>The leaf in force, with its private key: for Kestrel's <c>ServerCertificateSelector</c>, which sends no chain.</summary>
    public X509Certificate2 Leaf => _material.Leaf;

    /// <summary>SHA-256 of the leaf, as <c>AA:BB:…</c>.</summary>
    public string Fingerprint => _material.Fingerprint;

    /// <summary>
    /// Options for one handshake, with the chain: for Kestrel's <c>TlsHandshakeCallbackOptions.OnConnection</c>.
    /// The instance is the caller's to change.
    /// </summary>
    public SslServerAuthenticationOptions ServerOptions()
    {
        var material = _material;
        var options = new SslServerAuthenticationOptions { ServerCertificateContext = material.Context };
        if (material.ClientAuthorities is { } authorities)
            ClientCertificates.Ask(options, authorities, material.Revocations, _files.ClientRequired, _time);
        return options;
    }

    /// <summary>Turns to other files, or reads the same ones again, now.</summary>
    public void Use(TlsConfig files)
    {
        lock (_loading)
            _files = files;
        Load();
        _watch.Nudge();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _watch.RunAsync(() => Task.FromResult(Load()), stoppingToken);

    private FileHashes Load()
    {
        lock (_loading)
        {
            var hashes = new FileHashes();
            try
            {
                var before = Fingerprint;
                _material = Read(_files, hashes);
                if (Fingerprint != before)
                    Announce();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                LogKept(_files.Certificate, e.Message, Fingerprint);
            }
            return hashes;
        }
    }

    private static TlsMaterial Read(TlsConfig files, FileHashes hashes)
    {
        var certificate = hashes.Read(files.Certificate, File.ReadAllBytes);
        var authorities = files.ClientAuthorities is { } path ? hashes.Read(path, File.ReadAllBytes) : null;
        var revocations = files.ClientRevocations is { } list ? hashes.Read(list, File.ReadAllBytes) : null;
        return TlsMaterial.Read(certificate, hashes.Read(files.Key, File.ReadAllBytes), authorities, revocations);
    }

    private void Announce()
    {
        LogLoaded(_files.Certificate, Fingerprint, Leaf.NotAfter.ToUniversalTime());
        if (Leaf.NotAfter.ToUniversalTime() < _time.GetUtcNow().UtcDateTime)
            LogExpired(_files.Certificate, Leaf.NotAfter.ToUniversalTime());
    }

    [LoggerMessage(2111, LogLevel.Information, "TLS certificate {File} loaded, valid until {Until:u}; SHA-256 fingerprint {Fingerprint}")]
    private partial void LogLoaded(string file, string fingerprint, DateTime until);

    [LoggerMessage(2112, LogLevel.Error, "TLS certificate {File} expired on {Until:u}")]
    private partial void LogExpired(string file, DateTime until);

    [LoggerMessage(2113, LogLevel.Error, "TLS certificate {File} cannot be used: {Problem} The last good one stays in force, fingerprint {Fingerprint}")]
    private partial void LogKept(string file, string problem, string fingerprint);
}
