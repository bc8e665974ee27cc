using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Demarc.Control.Configuration;

/// <summary>A list of certificates that their authority has revoked (RFC 5280, 5), read from a file: handshakes ask nobody.</summary>
internal sealed class RevocationList
{
    private const string EcdsaWith = "1.2.840.10045.4.3.", RsaWith = "1.2.840.113549.1.1.";

    private readonly byte[] _issuer;
    private readonly HashSet<BigInteger> _serials = [];

    // Until when the authority vouches for the list; null for a list without an end.
    private readonly DateTimeOffset? _until;

    private RevocationList(byte[] der, X509Certificate2Collection authorities)
    {
        var list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        var signed = list.PeekEncodedValue();
        var body = list.ReadSequence();
        var algorithm = list.ReadSequence().ReadObjectIdentifier();
        var signature = list.ReadBitString(out _);

        if (body.PeekTag() == Asn1Tag.Integer)
            body.ReadInteger();
        body.ReadSequence();
        _issuer = body.ReadEncodedValue().ToArray();
        Time(body);
        _until = body.HasData && body.PeekTag() is { TagClass: TagClass.Universal, TagValue: (int)UniversalTagNumber.UtcTime or (int)UniversalTagNumber.GeneralizedTime } ? Time(body) : null;
        if (body.HasData && body.PeekTag() == Asn1Tag.Sequence)
        {
            var entries = body.ReadSequence();
            while (entries.HasData)
                _serials.Add(entries.ReadSequence().ReadInteger());
        }
        if (!authorities.Any(a => a.SubjectName.RawData.AsSpan().SequenceEqual(_issuer) && IsSigned(a, algorithm, signed.Span, signature)))
            throw new CryptographicException("The client_crl file holds a list that no authority of client_ca has signed.");
    }

    /// <summary>Every list of a PEM file; throws <see cref="CryptographicException"/> where one is none, or nobody known has signed it.</summary>
    public static RevocationList[] Read(byte[] file, X509Certificate2Collection authorities)
    {
        var (pem, lists) = (ConfigReading.Utf8(file) ?? "", new List<RevocationList>());
        for (var rest = pem.AsSpan(); PemEncoding.TryFind(rest, out var found); rest = rest[found.Location.End..])
        {
            if (rest[found.Label] is not "X509 CRL")
                continue;
            try
            {
                lists.Add(new RevocationList(Convert.FromBase64String(rest[found.Base64Data].ToString()), authorities));
            }
            catch (AsnContentException e)
            {
                throw new CryptographicException("The client_crl file holds a list that cannot be read.", e);
            }
        }
        return lists.Count > 0 ? [.. lists] : throw new CryptographicException("The client_crl file holds no PEM revocation list.");
    }

    /// <summary>True for a certificate on its authority's list, and for any of an authority whose list has ended: it may be on the next.</summary>
    public bool Refuses(X509Certificate2 certificate, DateTimeOffset now) =>
        certificate.IssuerName.RawData.AsSpan().SequenceEqual(_issuer)
        && (_until < now || _serials.Contains(new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true)));

    private static bool IsSigned(X509Certificate2 authority, string algorithm, ReadOnlySpan<byte> signed, byte[] signature)
    {
        if (algorithm.StartsWith(EcdsaWith, StringComparison.Ordinal) && Hash(algorithm[EcdsaWith.Length..], 1) is { } ecdsaHash)
        {
            using var ecdsa = authority.GetECDsaPublicKey();
            return ecdsa?.VerifyData(signed, signature, ecdsaHash, DSASignatureFormat.Rfc3279DerSequence) is true;
        }
        if (algorithm.StartsWith(RsaWith, StringComparison.Ordinal) && Hash(algorithm[RsaWith.Length..], 10) is { } rsaHash)
        {
            using var rsa = authority.GetRSAPublicKey();
            return rsa?.VerifyData(signed, signature, rsaHash, RSASignaturePadding.Pkcs1) is true;
        }
        return false;
    }

    // SHA-256, 384 and 512 follow each other: 2 to 4 with ECDSA (RFC 5758, 3.2), 11 to 13 with RSA (RFC 8017, A.2.4).
    private static HashAlgorithmName? Hash(string last, int before) => int.TryParse(last, out var number)
        ? (number - before) switch { 1 => HashAlgorithmName.SHA256, 2 => HashAlgorithmName.SHA384, 3 => HashAlgorithmName.SHA512, _ => null }
        : null;

    private static DateTimeOffset Time(AsnReader reader) =>
        reader.PeekTag().TagValue == (int)UniversalTagNumber.UtcTime ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();
}
