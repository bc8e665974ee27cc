using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Tests.Identity.Saml;

namespace Demarc.Tests.Configuration;

/// <summary>A temporary directory with a configuration, an environment of its own, and what the file refers to.</summary>
public sealed class ConfigFolder : IDisposable
{
    public const string Canary = "sk-canary-7c1f";

    private static readonly string ShippedPath = Path.Combine(AppContext.BaseDirectory, "catalog", "catalog.json");

    private static readonly Catalog Shipped = Catalog.Parse(File.ReadAllBytes(ShippedPath));

    public ConfigFolder()
    {
        Sources = new ConfigSources(name => Variables.GetValueOrDefault(name), File.ReadAllBytes)
        {
            DataDirectory = Path.Combine(Root, "data"),
            Catalog = Shipped,
            KnownModel = static model => model is "claude-sonnet-4-6" or "claude-haiku-4-5-20251001",
        };
        Write("secrets/anthropic-key", Canary + "-file\n");
        Write("secrets/master-key", Convert.ToBase64String(new byte[32]) + "\n");
        Write("secrets/empty", "\n");
        Write("secrets/google.json", """{"type":"service_account","private_key":"sk-canary-7c1f"}""");
        Write("catalog.json", File.ReadAllText(ShippedPath));
        using var certificate = WriteCertificate("CN=first");
        Write("corporate-ca.pem", certificate.ExportCertificatePem());
        using var authority = ClientAuthority();
        Write("tls/client-ca.pem", authority.ExportCertificatePem() + "\n");
        Write("tls/client.crl", RevocationList(authority, null));
        var saml = TestProvider.Configured(TestProvider.GatewayKey);
        Write("secrets/saml.pem", saml.PrivateKey.Reveal());
        Write("saml.crt", saml.CertificatePem);
        Write("idp.xml", TestProvider.Metadata(TestProvider.EntityId, TestProvider.Key));
    }

    /// <summary>What an authority has revoked, in PEM.</summary>
    /// <param name="until">The end of the list; null for a week from now.</param>
    public static string RevocationList(X509Certificate2 authority, DateTimeOffset? until, params X509Certificate2[] certificates)
    {
        var now = TimeProvider.System.GetUtcNow();
        var builder = new CertificateRevocationListBuilder();
        foreach (var certificate in certificates)
            builder.AddEntry(certificate, now.AddHours(-1));
        using var key = authority.GetECDsaPrivateKey()!;
        return PemEncoding.WriteString("X509 CRL", builder.Build(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key), 1, until ?? now.AddDays(7), HashAlgorithmName.SHA256,
            X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier((byte[])[1, 2, 3, 4]), now.AddHours(-2)));
    }

    /// <summary>An authority that signs clients' certificates, with its key.</summary>
    public static X509Certificate2 ClientAuthority(string name = "CN=clients")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(30));
    }

    /// <summary>A client's certificate with its key; <paramref name="usage"/> is its extended key usage.</summary>
    public static X509Certificate2 ClientCertificate(X509Certificate2 authority, string usage = "1.3.6.1.5.5.7.3.2")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=laptop", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        var now = TimeProvider.System.GetUtcNow();
        using var unkeyed = request.Create(authority, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return unkeyed.CopyWithPrivateKey(key);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("demarc-config-").FullName;

    public string ConfigPath => Path.Combine(Root, "demarc.yaml");

    public Dictionary<string, string> Variables { get; } = new()
    {
        ["FOUNDRY_KEY"] = Canary + "-variable",
        ["SCIM_TOKEN"] = Canary + new string('a', 64),
        ["FINOPS_WEBHOOK_SECRET"] = "whsec_" + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Canary + "-webhook-secret")),
        ["STORAGE_KEY"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Canary + "-storage-key")),
        ["SMTP_PASSWORD"] = Canary + "-mail",
        ["DATABASE_PASSWORD"] = Canary + "-p@ss/word;",
        ["SHORT_KEY"] = Convert.ToBase64String(new byte[31]),
        ["TWO_LINES"] = Canary + "\n" + Canary,
        ["EMPTY"] = "",
    };

    public ConfigSources Sources { get; }

    public TlsConfig Tls => new(Path.Combine(Root, "tls/cert.pem"), Path.Combine(Root, "tls/key.pem"));

    public ConfigResult Read() => ConfigFile.Read(ConfigPath, Sources);

    public ConfigResult Read(string yaml)
    {
        File.WriteAllText(ConfigPath, yaml);
        return Read();
    }

    /// <summary>Replaces a file as editors and Kubernetes do: whole, by a rename.</summary>
    public void Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Makes a certificate, signed by an intermediate that stands second in the file, and its key.</summary>
    public X509Certificate2 WriteCertificate(string subject)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = Authority("CN=root", rootKey).CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var unkeyed = Authority("CN=issuer-" + subject[3..], authorityKey)
            .Create(root, now.AddDays(-1), now.AddDays(20), RandomNumberGenerator.GetBytes(8));
        using var authority = unkeyed.CopyWithPrivateKey(authorityKey);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var leaf = request.Create(authority, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        Write("tls/cert.pem", leaf.ExportCertificatePem() + "\n" + authority.ExportCertificatePem() + "\n");
        Write("tls/key.pem", key.ExportPkcs8PrivateKeyPem() + "\n");
        return leaf;

        static CertificateRequest Authority(string name, ECDsa key)
        {
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request;
        }
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    /// <summary>The example of docs/configure.md.</summary>
    public static string Example() => Page().Split("```yaml\n")[1].Split("```")[0];

    /// <summary>docs/configure.md.</summary>
    public static string Page()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Demarc.slnx")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("Run the tests from within the repository.");
        return File.ReadAllText(Path.Combine(root, "docs", "configure.md"));
    }
}
