using System.Globalization;
using System.Security.Cryptography;

namespace Demarc.Governance.Evidence.Merkle;

/// <summary>
/// A key that signs notes, as those who verify know it: ECDSA P-256 with SHA-256, signatures in DER (C2SP signed-note,
/// type 0x02, whose key id is the beginning of the SHA-256 of the public key's SubjectPublicKeyInfo).
/// </summary>
public sealed class NoteKey
{
    private const byte EcdsaType = 0x02;
    private const int IdSize = 4;

    private readonly byte[] _publicKey;

    /// <param name="name">Of whoever signs: no white space and no <c>+</c>.</param>
    /// <param name="publicKey">SubjectPublicKeyInfo, DER.</param>
    public NoteKey(string name, ReadOnlySpan<byte> publicKey)
    {
        if (name.Length == 0 || name.Any(c => char.IsWhiteSpace(c) || c == '+'))
            throw new ArgumentException("A key's name has no white space and no +.", nameof(name));
        Name = name;
        _publicKey = publicKey.ToArray();
        Id = SHA256.HashData(_publicKey)[..IdSize];
    }

    public string Name { get; }

    /// <summary>4 bytes.</summary>
    public byte[] Id { get; }

    /// <summary>DER.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>As people exchange it: name, id and key in one line.</summary>
    public override string ToString() =>
        $"{Name}+{Convert.ToHexStringLower(Id)}+{Convert.ToBase64String([EcdsaType, .. _publicKey])}";

    /// <summary>Reads what <see cref="ToString"/> writes; null for anything else.</summary>
    public static NoteKey? Parse(string line)
    {
        var parts = line.Trim().Split('+', 3);
        var bytes = new byte[1024];
        if (parts.Length != 3 || parts[0].Length == 0 || parts[0].Any(char.IsWhiteSpace)
            || !uint.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)
            || !Convert.TryFromBase64String(parts[2], bytes, out var length) || length < 2 || bytes[0] != EcdsaType)
            return null;
        var key = new NoteKey(parts[0], bytes.AsSpan(1, length - 1));
        using var ecdsa = ECDsa.Create();
        try
        {
            ecdsa.ImportSubjectPublicKeyInfo(key._publicKey, out var read);
            return read == length - 1 && Convert.ToHexStringLower(key.Id) == parts[1] ? key : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(_publicKey, out _);
        return ecdsa.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }
}
