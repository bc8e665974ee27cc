using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Demarc.Control.Configuration;

/// <summary>A certificate with its private key and chain, ready for handshakes.</summary>
internal sealed class TlsMaterial : IDisposable
{
    private readonly X509Certificate2Collection _pem;

    private TlsMaterial(X509Certificate2 leaf, X509Certificate2Collection pem, X509Certificate2Collection? clientAuthorities, RevocationList[] revocations)
    {
        (Leaf, _pem, ClientAuthorities, Revocations) = (leaf, pem, clientAuthorities, revocations);
        // Offline: a handshake never waits for a certificate authority's server.
        Context = SslStreamCertificateContext.Create(leaf, pem, offline: true);
    }

    public X509Certificate2 Leaf { get; }

    public SslStreamCertificateContext Context { get; }

    /// <summary>Those whose certificates clients present; null where none is asked for.</summary>
    public X509Certificate2Collection? ClientAuthorities { get; }

    /// <summary>What these have revoked; empty where no list is asked.</summary>
    public RevocationList[] Revocations { get; }

    /// <summary>SHA-256 of the leaf as <c>AA:BB:…</c>, the form that Claude Code's trust prompt shows.</summary>
    public string Fingerprint => string.Join(':', Leaf.GetCertHash(HashAlgorithmName.SHA256).Select(b => b.ToString("X2", null)));

    /// <summary>Reads PEM; throws <see cref="CryptographicException"/> saying which part is wrong.</summary>
    public static TlsMaterial Read(byte[] certificate, byte[] key, byte[]? clientAuthorities = null, byte[]? clientRevocations = null)
    {
        var certificatePem = ConfigReading.Utf8(certificate) ?? throw new CryptographicException("The certificate is not PEM text.");
        var keyPem = ConfigReading.Utf8(key) ?? throw new CryptographicException("The key is not PEM text.");
        var authorities = clientAuthorities is null ? null : Authorities(clientAuthorities);
        var revocations = authorities is null || clientRevocations is null ? [] : RevocationList.Read(clientRevocations, authorities);
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(certificatePem);
            var leaf = X509Certificate2.CreateFromPem(certificatePem, keyPem);
            return new TlsMaterial(leaf, chain, authorities, revocations);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // The framework's own message is not passed on: what it quotes of a key is not promised.
            var problem = chain.Count == 0
                ? "The certificate file holds no PEM certificate."
                : "The key file holds no unencrypted PEM key, or not the one of the first certificate.";
            foreach (var certificateOfChain in chain)
                certificateOfChain.Dispose();
            throw new CryptographicException(problem, e);
        }
    }

    private static X509Certificate2Collection Authorities(byte[] file)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(ConfigReading.Utf8(file));
        }
        catch (CryptographicException)
        {
            // Said below: whatever was wrong with the file, none came of it.
        }
        return authorities.Count > 0 ? authorities : throw new CryptographicException("The client_ca file holds no PEM certificate.");
    }

    public void Dispose()
    {
        foreach (var authority in ClientAuthorities ?? [])
            authority.Dispose();
        Leaf.Dispose();
        foreach (var certificate in _pem)
            certificate.Dispose();
    }
}
