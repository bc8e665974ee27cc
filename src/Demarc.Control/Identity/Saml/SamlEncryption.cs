using System.Security.Cryptography;
using System.Xml;
using Demarc.Control.Identity.SignIn;

namespace Demarc.Control.Identity.Saml;

/// <summary>Opens an encrypted assertion (XML Encryption 1.1): AES by a key that RSA-OAEP wraps. RSA 1.5 is not taken.</summary>
internal static class SamlEncryption
{
    private const string Oaep = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    private const string Oaep11 = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
    private const string Sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    private const string Mgf256 = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
    private const string Encryption11 = "http://www.w3.org/2009/xmlenc11#";

    private static readonly Dictionary<string, (int KeySize, bool IsGcm)> Ciphers = new(StringComparer.Ordinal)
    {
        ["http://www.w3.org/2009/xmlenc11#aes128-gcm"] = (16, true),
        ["http://www.w3.org/2009/xmlenc11#aes256-gcm"] = (32, true),
        ["http://www.w3.org/2001/04/xmlenc#aes128-cbc"] = (16, false),
        ["http://www.w3.org/2001/04/xmlenc#aes256-cbc"] = (32, false),
    };

    /// <param name="keys">Demarc's own, the present one and those before it.</param>
    /// <exception cref="SignInException">It cannot be opened. The message is the same whatever the bytes were, so that nobody learns of them.</exception>
    public static XmlElement Open(XmlElement encrypted, IReadOnlyList<RSA> keys)
    {
        var data = SamlXml.Required(encrypted, "EncryptedData", SamlXml.Encryption);
        if (Algorithm(data) is not { } name || !Ciphers.TryGetValue(name, out var cipher))
            throw new SignInException("saml_encryption", $"The assertion is encrypted by {Algorithm(data)}, which is not taken: AES-128 or AES-256, GCM or CBC");
        var wrapped = Key(encrypted, data);
        var padding = Padding(wrapped);
        foreach (var rsa in keys)
        {
            try
            {
                var key = rsa.Decrypt(Cipher(wrapped), padding);
                if (key.Length == cipher.KeySize)
                    return SamlXml.Load(cipher.IsGcm ? Gcm(key, Cipher(data)) : Cbc(key, Cipher(data)));
            }
            catch (Exception e) when (e is CryptographicException or FormatException or SignInException or ArgumentException)
            {
                // Another key may fit; and which step failed is nobody's business.
            }
        }
        throw new SignInException("saml_encryption", "The assertion cannot be opened: none of identity.saml's keys fits. Does the provider have the present metadata?");
    }

    private static XmlElement Key(XmlElement encrypted, XmlElement data)
    {
        var inside = SamlXml.Child(data, "KeyInfo", SamlXml.Signature) is { } info ? SamlXml.Children(info, "EncryptedKey", SamlXml.Encryption) : [];
        return (XmlElement[])[.. inside, .. SamlXml.Children(encrypted, "EncryptedKey", SamlXml.Encryption)] is [var key]
            ? key
            : throw new SignInException("saml_encryption", "The assertion has to be encrypted for one key: this one");
    }

    private static RSAEncryptionPadding Padding(XmlElement wrapped)
    {
        var method = SamlXml.Child(wrapped, "EncryptionMethod", SamlXml.Encryption);
        var digest = method is null ? null : SamlXml.Attribute(SamlXml.Child(method, "DigestMethod", SamlXml.Signature), "Algorithm");
        var mask = method is null ? null : SamlXml.Attribute(SamlXml.Child(method, "MGF", Encryption11), "Algorithm");
        return SamlXml.Attribute(method, "Algorithm") switch
        {
            Oaep when digest is null or "http://www.w3.org/2000/09/xmldsig#sha1" => RSAEncryptionPadding.OaepSHA1,
            Oaep11 when digest == Sha256 && mask == Mgf256 => RSAEncryptionPadding.OaepSHA256,
            var other => throw new SignInException("saml_encryption", $"The key is wrapped by {other} with {digest ?? "no digest"}, which is not taken: RSA-OAEP, with SHA-1 or with SHA-256 throughout"),
        };
    }

    private static byte[] Gcm(byte[] key, byte[] sealedBytes)
    {
        const int nonce = 12, tag = 16;
        if (sealedBytes.Length < nonce + tag)
            throw new CryptographicException();
        var plain = new byte[sealedBytes.Length - nonce - tag];
        using var aes = new AesGcm(key, tag);
        aes.Decrypt(sealedBytes.AsSpan(0, nonce), sealedBytes.AsSpan(nonce, plain.Length), sealedBytes.AsSpan(nonce + plain.Length), plain);
        return plain;
    }

    private static byte[] Cbc(byte[] key, byte[] sealedBytes)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        // XML Encryption pads as ISO 10126: the last byte counts.
        var plain = aes.DecryptCbc(sealedBytes.AsSpan(16), sealedBytes.AsSpan(0, 16), PaddingMode.None);
        return plain is [.., > 0 and <= 16 and var padding] ? plain[..^padding] : throw new CryptographicException();
    }

    private static string? Algorithm(XmlElement element) => SamlXml.Attribute(SamlXml.Child(element, "EncryptionMethod", SamlXml.Encryption), "Algorithm");

    private static byte[] Cipher(XmlElement element) =>
        Convert.FromBase64String(SamlXml.Required(SamlXml.Required(element, "CipherData", SamlXml.Encryption), "CipherValue", SamlXml.Encryption).InnerText);
}
