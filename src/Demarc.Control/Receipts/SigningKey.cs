using System.Security.Cryptography;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Control.Receipts;

/// <summary>
/// The installation's key for what it says to others: ECDSA P-256 with SHA-256. Derived from the master key, so that every
/// replica has the same one and nothing more is kept. It is rotated by generations, from 1.
/// </summary>
public sealed class SigningKey : IDisposable
{
    private readonly ECDsa _key;

    /// <summary>More than there will be; who looks for a key by what it signed stops here.</summary>
    public const int MaxGeneration = 64;

    public SigningKey(MasterKey master, long generation = 1) => _key = P256.Derive(master, generation == 1 ? "demarc signing " : $"demarc signing {generation}.");

    /// <summary>SubjectPublicKeyInfo, DER.</summary>
    public byte[] PublicKeyInfo => _key.ExportSubjectPublicKeyInfo();

    /// <summary>PEM of the SubjectPublicKeyInfo.</summary>
    public string PublicKey => _key.ExportSubjectPublicKeyInfoPem();

    /// <summary>The SHA-256 of the public key's SubjectPublicKeyInfo, in hex.</summary>
    public string Id => IdOf(_key);

    /// <summary>DER (RFC 3279), so that openssl verifies it too.</summary>
    public byte[] Sign(ReadOnlySpan<byte> bytes) => _key.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public static string IdOf(ECDsa key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    public void Dispose() => _key.Dispose();
}
