using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Demarc.Control.Configuration;

namespace Demarc.Control.Identity.Saml;

/// <summary>Demarc's own keys: the present one, and those that providers may still encrypt for.</summary>
internal sealed class SamlKeys(SamlKeyConfig[] configured)
{
    private const int LeastBits = 2048;

    /// <summary>With their private keys; the first is the present one.</summary>
    public X509Certificate2[] Certificates { get; } = [.. configured.Select(Load)];

    public IReadOnlyList<RSA> All => field ??= [.. Certificates.Select(c => c.GetRSAPrivateKey()!)];

    /// <exception cref="CryptographicException">They are no pair of RSA.</exception>
    /// <exception cref="ArgumentException">Nor PEM.</exception>
    public static X509Certificate2 Load(SamlKeyConfig key)
    {
        var pair = X509Certificate2.CreateFromPem(key.CertificatePem, key.PrivateKey.Reveal());
        using var rsa = pair.GetRSAPrivateKey();
        return rsa?.KeySize >= LeastBits ? pair : throw new CryptographicException($"RSA of {LeastBits} bits or more");
    }
}
