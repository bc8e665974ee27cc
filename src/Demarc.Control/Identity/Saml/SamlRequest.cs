using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Demarc.Control.Identity.Saml;

/// <summary>A request to sign somebody in (SAML 2.0 Bindings, 3.4 and 3.5).</summary>
internal static class SamlRequest
{
    private const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

    public static XElement Of(string id, DateTimeOffset now, Uri destination, string acsUrl, string entityId)
    {
        XNamespace samlp = SamlXml.Protocol, saml = SamlXml.Assertion;
        return new XElement(
            samlp + "AuthnRequest", new XAttribute(XNamespace.Xmlns + "samlp", SamlXml.Protocol), new XAttribute(XNamespace.Xmlns + "saml", SamlXml.Assertion),
            new XAttribute("ID", id), new XAttribute("Version", "2.0"), new XAttribute("IssueInstant", now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)),
            new XAttribute("Destination", destination.AbsoluteUri), new XAttribute("AssertionConsumerServiceURL", acsUrl), new XAttribute("ProtocolBinding", SamlMetadata.Post),
            new XElement(saml + "Issuer", entityId), new XElement(samlp + "NameIDPolicy", new XAttribute("AllowCreate", "true")));
    }

    /// <summary>Where the browser is sent.</summary>
    /// <param name="key">What signs; null for unsigned.</param>
    public static string RedirectUrl(XElement request, Uri destination, X509Certificate2? key)
    {
        using var deflated = new MemoryStream();
        using (var deflate = new DeflateStream(deflated, CompressionLevel.Optimal, leaveOpen: true))
            deflate.Write(Encoding.UTF8.GetBytes(request.ToString(SaveOptions.DisableFormatting)));
        var query = "SAMLRequest=" + Uri.EscapeDataString(Convert.ToBase64String(deflated.ToArray()));
        if (key is not null)
        {
            query += "&SigAlg=" + Uri.EscapeDataString(RsaSha256);
            using var rsa = key.GetRSAPrivateKey()!;
            query += "&Signature=" + Uri.EscapeDataString(Convert.ToBase64String(rsa.SignData(Encoding.ASCII.GetBytes(query), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
        }
        return destination.AbsoluteUri + (destination.Query.Length == 0 ? "?" : "&") + query;
    }

    /// <summary>The value of the form field <c>SAMLRequest</c>.</summary>
    /// <param name="key">What signs; null for unsigned.</param>
    public static string FormValue(XElement request, X509Certificate2? key)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        using (var reader = request.CreateReader())
            document.Load(reader);
        if (key is not null)
        {
            using var rsa = key.GetRSAPrivateKey()!;
            var signed = new SignedXml(document) { SigningKey = rsa };
            signed.SignedInfo!.CanonicalizationMethod = SamlSignature.ExclusiveC14N;
            signed.SignedInfo.SignatureMethod = RsaSha256;
            var reference = new Reference("#" + request.Attribute("ID")!.Value) { DigestMethod = "http://www.w3.org/2001/04/xmlenc#sha256" };
            reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
            reference.AddTransform(new XmlDsigExcC14NTransform());
            signed.AddReference(reference);
            signed.ComputeSignature();
            // Behind the issuer, where the schema has it.
            document.DocumentElement!.InsertAfter(signed.GetXml(), document.DocumentElement.FirstChild);
        }
        return Convert.ToBase64String(SamlXml.Bytes(document.DocumentElement!));
    }
}
