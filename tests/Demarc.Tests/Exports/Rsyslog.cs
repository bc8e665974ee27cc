using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>A real rsyslogd that writes what it receives to a file, over TCP or TLS, on a free port; it can be killed and started again.</summary>
internal sealed class Rsyslog : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-rsyslog-").FullName;
    private Process? _process;

    private Rsyslog(bool isTls) => IsTls = isTls;

    public bool IsTls { get; }

    public int Port { get; private set; }

    /// <summary>PEM of the authority that vouches for it; null without TLS.</summary>
    public string? Authority { get; private set; }

    /// <summary>The messages that it has written, a line each.</summary>
    public string[] Lines
    {
        get
        {
            var path = Path.Combine(_folder, "received.log");
            if (!File.Exists(path))
                return [];
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            // A line that it is still writing ends later.
            return [.. reader.ReadToEnd().Split('\n')[..^1]];
        }
    }

    public static async Task<Rsyslog> StartAsync(bool isTls)
    {
        Component.Require(File.Exists("/usr/sbin/rsyslogd"), "rsyslog is not installed (apt-get install rsyslog rsyslog-gnutls)");
        if (isTls)
            Component.Require(Directory.GetDirectories("/usr/lib").Any(folder => File.Exists(Path.Combine(folder, "rsyslog", "lmnsd_gtls.so"))), "rsyslog's TLS driver is not installed (apt-get install rsyslog-gnutls)");
        var server = new Rsyslog(isTls) { Port = Ports.Free() };
        if (isTls)
            server.Authority = server.Certify();
        await File.WriteAllTextAsync(Path.Combine(server._folder, "rsyslog.conf"), server.Configuration());
        await server.RunAsync();
        return server;
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        _process.Dispose();
    }

    public async Task RunAsync()
    {
        var start = new ProcessStartInfo("/usr/sbin/rsyslogd", ["-n", "-f", Path.Combine(_folder, "rsyslog.conf"), "-i", Path.Combine(_folder, "pid")]) { RedirectStandardError = true, RedirectStandardOutput = true };
        File.Delete(Path.Combine(_folder, "pid"));
        _process = Process.Start(start)!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await Ports.AnswersAsync(Port, _process);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process!.HasExited)
            await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string Configuration() => $$"""
        global(workDirectory="{{_folder}}" maxMessageSize="64k"{{(IsTls ? $" defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{_folder}/ca.pem\" defaultNetstreamDriverCertFile=\"{_folder}/cert.pem\" defaultNetstreamDriverKeyFile=\"{_folder}/key.pem\"" : "")}})
        module(load="imtcp"{{(IsTls ? " streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\"" : "")}})
        template(name="parts" type="string" string="%pri% %app-name% %msgid% %timereported:::date-rfc3339% %msg%\n")
        ruleset(name="received") { action(type="omfile" file="{{_folder}}/received.log" template="parts") }
        input(type="imtcp" port="{{Port}}" address="127.0.0.1" ruleset="received")
        """;

    private string Certify()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var ca = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        ca.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = ca.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", own, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, now.AddDays(-1), now.AddHours(23), [1, 2, 3]);
        File.WriteAllText(Path.Combine(_folder, "ca.pem"), authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "key.pem"), own.ExportPkcs8PrivateKeyPem());
        return authority.ExportCertificatePem();
    }
}
