using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using System.Xml.Linq;

namespace Demarc.Control.Identity.Saml;

/// <summary>What a provider's metadata says of it, and Demarc's own.</summary>
/// <param name="Certificates">Each of which may sign: two while one is rolled over.</param>
internal sealed record SamlMetadata(string EntityId, Uri SignOn, X509Certificate2[] Certificates) : IDisposable
{
    public const string Redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    public const string Post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

    /// <param name="post">Which binding requests go by.</param>
    /// <exception cref="XmlException">It is no metadata of an identity provider.</exception>
    public static SamlMetadata Read(byte[] xml, bool post)
    {
        var root = SamlXml.LoadOwn(xml);
        var entity = SamlXml.Is(root, "EntityDescriptor", SamlXml.Metadata) ? root : throw new XmlException("The root is no EntityDescriptor.");
        var provider = SamlXml.Children(entity, "IDPSSODescriptor", SamlXml.Metadata) is [var one] ? one : throw new XmlException("There has to be one IDPSSODescriptor.");
        var binding = post ? Post : Redirect;
        var place = SamlXml.Children(provider, "SingleSignOnService", SamlXml.Metadata).FirstOrDefault(s => s.GetAttribute("Binding") == binding)?.GetAttribute("Location");
        if (!Uri.TryCreate(place, UriKind.Absolute, out var signOn) || (signOn.Scheme != "https" && !(signOn.Scheme == "http" && signOn.IsLoopback)))
            throw new XmlException($"It has no SingleSignOnService at https:// with the binding {binding}.");
        var certificates = SamlXml.Children(provider, "KeyDescriptor", SamlXml.Metadata).Where(k => k.GetAttribute("use") is "" or "signing")
            .SelectMany(k => k.GetElementsByTagName("X509Certificate", SamlXml.Signature).OfType<XmlElement>())
            .Select(c => X509CertificateLoader.LoadCertificate(Convert.FromBase64String(c.InnerText))).ToArray();
        if (certificates.Length == 0)
            throw new XmlException("It has no certificate to check signatures with.");
        return SamlXml.Attribute(entity, "entityID") is { } id ? new SamlMetadata(id, signOn, certificates) : throw new XmlException("It has no entityID.");
    }

    /// <summary>Demarc's own, for providers to read.</summary>
    public static string Write(string entityId, string acsUrl, SamlKeys keys, bool signsRequests)
    {
        XNamespace md = SamlXml.Metadata, ds = SamlXml.Signature;
        IEnumerable<XElement> Keys(string use, IEnumerable<X509Certificate2> certificates) => certificates.Select(c => new XElement(
            md + "KeyDescriptor", new XAttribute("use", use),
            new XElement(ds + "KeyInfo", new XElement(ds + "X509Data", new XElement(ds + "X509Certificate", Convert.ToBase64String(c.RawData))))));
        return new XElement(
            md + "EntityDescriptor", new XAttribute("entityID", entityId), new XAttribute(XNamespace.Xmlns + "md", SamlXml.Metadata), new XAttribute(XNamespace.Xmlns + "ds", SamlXml.Signature),
            new XElement(
                md + "SPSSODescriptor", new XAttribute("AuthnRequestsSigned", signsRequests), new XAttribute("WantAssertionsSigned", true), new XAttribute("protocolSupportEnumeration", SamlXml.Protocol),
                Keys("signing", keys.Certificates), Keys("encryption", keys.Certificates.Take(1)),
                new XElement(md + "NameIDFormat", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
                new XElement(
                    md + "AssertionConsumerService", new XAttribute("Binding", Post), new XAttribute("Location", acsUrl), new XAttribute("index", 0.ToString(CultureInfo.InvariantCulture)),
                    new XAttribute("isDefault", true)))).ToString();
    }

    public void Dispose() => Array.ForEach(Certificates, c => c.Dispose());
}
