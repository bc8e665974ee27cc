using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Demarc.Control.Configuration;

/// <summary>Mutual TLS: which certificates of clients hold.</summary>
internal static class ClientCertificates
{
    // id-kp-clientAuth (RFC 5280, 4.2.1.12).
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>
    /// Asks for a client's certificate in the handshake. One that is presented has to lead to an authority of the list, be
    /// for clients and be in date, and neither it nor one between it and the authority may be on a list of what is revoked.
    /// </summary>
    public static void Ask(SslServerAuthenticationOptions options, X509Certificate2Collection authorities, RevocationList[] revocations, bool required, TimeProvider time)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // A handshake waits for no other server: the lists are files.
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = policy;
        options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            certificate is null ? !required : errors == SslPolicyErrors.None && (revocations.Length == 0 || !IsRevoked(chain!));

        bool IsRevoked(X509Chain chain) =>
            chain.ChainElements.Any(e => Array.Exists(revocations, r => r.Refuses(e.Certificate, time.GetUtcNow())));
    }
}
