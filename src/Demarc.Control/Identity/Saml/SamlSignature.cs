using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;
using Demarc.Control.Identity.SignIn;

namespace Demarc.Control.Identity.Saml;

/// <summary>
/// Checks the enveloped signature of an element, and gives back what was signed: the canonical bytes, parsed anew. Nothing
/// but these is ever read, so that an element moved, copied or wrapped elsewhere counts for nothing.
/// </summary>
internal static class SamlSignature
{
    public const string ExclusiveC14N = "http://www.w3.org/2001/10/xml-exc-c14n#";

    private const string Enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

    // No SHA-1 and no HMAC: a certificate's public bytes are no shared secret.
    private static readonly Dictionary<string, (HashAlgorithmName Hash, bool IsRsa)> Methods = new(StringComparer.Ordinal)
    {
        ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"] = (HashAlgorithmName.SHA256, true),
        ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"] = (HashAlgorithmName.SHA384, true),
        ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"] = (HashAlgorithmName.SHA512, true),
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"] = (HashAlgorithmName.SHA256, false),
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"] = (HashAlgorithmName.SHA384, false),
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"] = (HashAlgorithmName.SHA512, false),
    };

    private static readonly Dictionary<string, HashAlgorithmName> Digests = new(StringComparer.Ordinal)
    {
        ["http://www.w3.org/2001/04/xmlenc#sha256"] = HashAlgorithmName.SHA256,
        ["http://www.w3.org/2001/04/xmldsig-more#sha384"] = HashAlgorithmName.SHA384,
        ["http://www.w3.org/2001/04/xmlenc#sha512"] = HashAlgorithmName.SHA512,
    };

    public static bool Has(XmlElement element) => SamlXml.Children(element, "Signature", SamlXml.Signature).Length > 0;

    /// <param name="certificates">Of the provider, from the configuration: any of them may have signed. What the signature itself brings is not looked at.</param>
    /// <returns>The element as it was signed, without the signature.</returns>
    /// <exception cref="SignInException">The signature does not hold, or is not of a form that is taken.</exception>
    public static XmlElement Signed(XmlElement element, IReadOnlyList<X509Certificate2> certificates)
    {
        // 1 the form: one reference, to this very element, by two transforms at most
        var signature = SamlXml.Required(element, "Signature", SamlXml.Signature);
        var info = SamlXml.Required(signature, "SignedInfo", SamlXml.Signature);
        var canonical = SamlXml.Required(info, "CanonicalizationMethod", SamlXml.Signature);
        if (SamlXml.Attribute(canonical, "Algorithm") != ExclusiveC14N)
            throw Wrong($"the canonicalization {SamlXml.Attribute(canonical, "Algorithm")} is not taken, only {ExclusiveC14N}");
        if (SamlXml.Attribute(SamlXml.Required(info, "SignatureMethod", SamlXml.Signature), "Algorithm") is not { } name || !Methods.TryGetValue(name, out var method))
            throw Wrong("the signature algorithm is not taken: RSA or ECDSA with SHA-256, SHA-384 or SHA-512");
        var reference = SamlXml.Required(info, "Reference", SamlXml.Signature);
        if (SamlXml.Attribute(element, "ID") is not { } id || SamlXml.Attribute(reference, "URI") != "#" + id)
            throw Wrong($"it is of something else than the {element.LocalName} that it stands in");

        // 2 the digest: of the element without its signature
        var alone = SamlXml.Alone(element);
        alone.RemoveChild(SamlXml.Required(alone, "Signature", SamlXml.Signature));
        var bytes = Canonical(alone.OwnerDocument, Prefixes(reference));
        if (SamlXml.Attribute(SamlXml.Required(reference, "DigestMethod", SamlXml.Signature), "Algorithm") is not { } digestName || !Digests.TryGetValue(digestName, out var digest))
            throw Wrong("the digest algorithm is not taken: SHA-256, SHA-384 or SHA-512");
        var sent = Base64(SamlXml.Required(reference, "DigestValue", SamlXml.Signature));
        if (!CryptographicOperations.FixedTimeEquals(CryptographicOperations.HashData(digest, bytes), sent))
            throw Wrong($"the {element.LocalName} was changed since it was signed");

        // 3 the signature: over that reference, by one of the provider's keys
        var signed = Canonical(SamlXml.Alone(info).OwnerDocument, InclusivePrefixes(canonical));
        var value = Base64(SamlXml.Required(signature, "SignatureValue", SamlXml.Signature));
        if (!certificates.Any(c => Holds(c, method, signed, value)))
            throw Wrong($"none of the certificates in the provider's metadata fits ({string.Join(", ", certificates.Select(Name))}). Has it another one now? Save its metadata anew");
        return SamlXml.Load(bytes);
    }

    // As openssl x509 -fingerprint -sha256 shows it, and providers beside their certificates; its beginning tells one from another.
    private static string Name(X509Certificate2 certificate) =>
        string.Join(':', SHA256.HashData(certificate.RawData).Take(4).Select(b => b.ToString("X2", CultureInfo.InvariantCulture))) + $":… until {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}";

    private static bool Holds(X509Certificate2 certificate, (HashAlgorithmName Hash, bool IsRsa) method, byte[] signed, byte[] value)
    {
        if (method.IsRsa)
        {
            using var rsa = certificate.GetRSAPublicKey();
            return rsa?.KeySize >= 2048 && rsa.VerifyData(signed, value, method.Hash, RSASignaturePadding.Pkcs1);
        }
        using var ec = certificate.GetECDsaPublicKey();
        return ec?.VerifyData(signed, value, method.Hash) is true;
    }

    private static string? Prefixes(XmlElement reference)
    {
        var transforms = SamlXml.Children(SamlXml.Required(reference, "Transforms", SamlXml.Signature), "Transform", SamlXml.Signature);
        if (transforms is not [var enveloped, ..] || SamlXml.Attribute(enveloped, "Algorithm") != Enveloped
            || transforms.Length > 2 || (transforms.Length == 2 && SamlXml.Attribute(transforms[1], "Algorithm") != ExclusiveC14N))
            throw Wrong("its transforms are not taken: enveloped-signature, then exclusive canonicalization");
        return transforms.Length == 2 ? InclusivePrefixes(transforms[1]) : throw Wrong("it lacks exclusive canonicalization");
    }

    private static string? InclusivePrefixes(XmlElement method) =>
        SamlXml.Attribute(SamlXml.Child(method, "InclusiveNamespaces", ExclusiveC14N), "PrefixList");

    private static byte[] Canonical(XmlDocument document, string? prefixes)
    {
        var transform = new XmlDsigExcC14NTransform(false, prefixes);
        transform.LoadInput(document);
        using var output = (Stream)transform.GetOutput(typeof(Stream));
        using var bytes = new MemoryStream();
        output.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static byte[] Base64(XmlElement element)
    {
        try
        {
            return Convert.FromBase64String(element.InnerText);
        }
        catch (FormatException)
        {
            throw Wrong($"{element.LocalName} is no base64");
        }
    }

    private static SignInException Wrong(string why) => new("saml_signature", $"The signature does not hold: {why}");
}
