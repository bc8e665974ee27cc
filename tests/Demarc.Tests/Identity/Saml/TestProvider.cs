using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;
using Demarc.Control.Configuration;
using Demarc.Control.Identity.Saml;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;

namespace Demarc.Tests.Identity.Saml;

/// <summary>An identity provider that says what a test has it say, rightly signed or not.</summary>
internal sealed class TestProvider : IDisposable
{
    public const string EntityId = "https://idp.corp.example";
    public const string Acs = "https://claude.corp.example/saml/acs";
    public const string Audience = "https://claude.corp.example/saml/metadata";
    public const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    public const string Sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";

    public static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-saml-").FullName;

    public TestProvider()
    {
        File.WriteAllText(MetadataPath, Metadata(EntityId, Key));
        Config = new SamlProviderConfig("corp", MetadataPath, Post: false, SignRequests: false, RequireEncryption: false, null, "email", "displayName", "groups", ["developers"], []);
    }

    public static X509Certificate2 Key { get; } = NewKey();

    /// <summary>Nobody's whom the gateway knows.</summary>
    public static X509Certificate2 OtherKey { get; } = NewKey();

    /// <summary>The gateway's own.</summary>
    public static X509Certificate2 GatewayKey { get; } = NewKey();

    public string MetadataPath => Path.Combine(_folder, "idp.xml");

    public SamlProviderConfig Config { get; set; }

    public static X509Certificate2 NewKey()
    {
        using var rsa = RSA.Create(2048);
        return new CertificateRequest("CN=test", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(Now.AddYears(-1), Now.AddYears(1));
    }

    public static SamlKeyConfig Configured(X509Certificate2 key)
    {
        using var rsa = key.GetRSAPrivateKey()!;
        return new SamlKeyConfig(new Secret(rsa.ExportPkcs8PrivateKeyPem()), key.ExportCertificatePem());
    }

    public static string Metadata(string entityId, params X509Certificate2[] keys) => $"""
        <md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entityId}"><!-- of the test -->
          <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
            {string.Concat(keys.Select(k => $"<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{Convert.ToBase64String(k.RawData)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"))}
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.corp.example/sso"/>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.corp.example/sso"/>
          </md:IDPSSODescriptor>
        </md:EntityDescriptor>
        """;

    /// <summary>What the gateway makes of a response.</summary>
    public SamlIdentity Read(XmlDocument response) => Read(response.OuterXml);

    public SamlIdentity Read(string response) =>
        new SamlAnswer([new SamlProvider(Config)], new SamlKeys([Configured(GatewayKey)]), Audience, Acs, new StoppedTime()).Read(Encoding.UTF8.GetBytes(response));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class StoppedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}

/// <summary>A response under construction.</summary>
internal sealed record Said
{
    public string Acs { get; init; } = TestProvider.Acs;

    public string Audience { get; init; } = TestProvider.Audience;

    public string Issuer { get; init; } = TestProvider.EntityId;

    public string RequestId { get; init; } = "_request";

    public string Subject { get; init; } = "zed";

    public string Format { get; init; } = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

    public string Group { get; init; } = "developers";

    public string AssertionId { get; init; } = "_assertion";

    public DateTimeOffset Now { get; init; } = TestProvider.Now;

    public XmlDocument Xml()
    {
        static string At(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var document = new XmlDocument { PreserveWhitespace = true };
        document.LoadXml($"""
            <samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="{At(Now)}" Destination="{Acs}" InResponseTo="{RequestId}"><saml:Issuer>{Issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{AssertionId}" Version="2.0" IssueInstant="{At(Now)}"><saml:Issuer>{Issuer}</saml:Issuer><saml:Subject><saml:NameID Format="{Format}">{Subject}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{At(Now.AddMinutes(5))}" Recipient="{Acs}" InResponseTo="{RequestId}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{At(Now.AddSeconds(-30))}" NotOnOrAfter="{At(Now.AddMinutes(5))}"><saml:AudienceRestriction><saml:Audience>{Audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{At(Now)}" SessionNotOnOrAfter="{At(Now.AddHours(8))}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue xsi:type="xs:string">{Subject}@corp.example</saml:AttributeValue></saml:Attribute><saml:Attribute Name="displayName"><saml:AttributeValue xsi:type="xs:string">Zed</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue xsi:type="xs:string">{Group}</saml:AttributeValue><saml:AttributeValue xsi:type="xs:string">all</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>
            """);
        return document;
    }

    /// <summary>With the assertion signed by the provider.</summary>
    public XmlDocument Signed() => Xml().Sign("_assertion", this);
}

internal static class SaidXml
{
    private const string Saml = "urn:oasis:names:tc:SAML:2.0:assertion";

    public static XmlElement At(this XmlDocument document, string name) => (XmlElement)document.SelectSingleNode($"//*[local-name()='{name}']")!;

    public static XmlElement WithId(this XmlDocument document, string id) => (XmlElement)document.SelectSingleNode($"//*[@ID='{id}']")!;

    /// <summary>Changes one attribute of the first element of a name; null takes it away.</summary>
    public static XmlDocument Set(this XmlDocument document, string element, string attribute, string? value)
    {
        if (value is null)
            document.At(element).RemoveAttribute(attribute);
        else
            document.At(element).SetAttribute(attribute, value);
        return document;
    }

    public static XmlDocument Remove(this XmlDocument document, string element)
    {
        var node = document.At(element);
        node.ParentNode!.RemoveChild(node);
        return document;
    }

    /// <summary>What an encrypted assertion was sealed into: behind its key.</summary>
    public static XmlElement Sealed(this XmlDocument document) => (XmlElement)document.SelectNodes("//*[local-name()='CipherValue']")![1]!;

    public static XmlDocument Do(this XmlDocument document, Action<XmlDocument> change)
    {
        change(document);
        return document;
    }

    public static XmlDocument Sign(this XmlDocument document, string id, Said? said = null, X509Certificate2? key = null, Action<SignedXml>? change = null)
    {
        var element = document.WithId(id == "_assertion" ? said?.AssertionId ?? id : id);
        using var rsa = (key ?? TestProvider.Key).GetRSAPrivateKey()!;
        var signed = new Finder(document) { SigningKey = rsa };
        signed.SignedInfo!.CanonicalizationMethod = SamlSignature.ExclusiveC14N;
        signed.SignedInfo.SignatureMethod = TestProvider.RsaSha256;
        var reference = new Reference("#" + element.GetAttribute("ID")) { DigestMethod = TestProvider.Sha256 };
        reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
        reference.AddTransform(new XmlDsigExcC14NTransform("xs"));
        signed.AddReference(reference);
        signed.KeyInfo = new KeyInfo();
        signed.KeyInfo.AddClause(new KeyInfoX509Data(key ?? TestProvider.Key));
        change?.Invoke(signed);
        signed.ComputeSignature();
        element.InsertAfter(document.ImportNode(signed.GetXml(), true), element.FirstChild);
        return document;
    }

    /// <summary>Puts the assertion under encryption, for the gateway unless it is told another key.</summary>
    public static XmlDocument Encrypt(this XmlDocument document, string cipher = "http://www.w3.org/2009/xmlenc11#aes256-gcm", X509Certificate2? key = null, string wrap = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p")
    {
        var assertion = document.At("Assertion");
        var secret = RandomNumberGenerator.GetBytes(cipher.Contains("256", StringComparison.Ordinal) ? 32 : 16);
        var plain = Encoding.UTF8.GetBytes(SamlXml.Alone(assertion).OuterXml);
        byte[] data;
        if (cipher.EndsWith("gcm", StringComparison.Ordinal))
        {
            data = new byte[12 + plain.Length + 16];
            RandomNumberGenerator.Fill(data.AsSpan(0, 12));
            using var gcm = new AesGcm(secret, 16);
            gcm.Encrypt(data.AsSpan(0, 12), plain, data.AsSpan(12, plain.Length), data.AsSpan(12 + plain.Length));
        }
        else
        {
            using var aes = Aes.Create();
            aes.Key = secret;
            data = [.. aes.IV, .. aes.EncryptCbc(plain, aes.IV, PaddingMode.ISO10126)];
        }
        using var rsa = (key ?? TestProvider.GatewayKey).GetRSAPublicKey()!;
        var wrapped = rsa.Encrypt(secret, wrap.EndsWith("1_5", StringComparison.Ordinal) ? RSAEncryptionPadding.Pkcs1 : RSAEncryptionPadding.OaepSHA1);
        var holder = document.CreateElement("saml", "EncryptedAssertion", Saml);
        holder.InnerXml = $"""
            <xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{cipher}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{wrap}"/><xenc:CipherData><xenc:CipherValue>{Convert.ToBase64String(wrapped)}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{Convert.ToBase64String(data)}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>
            """;
        assertion.ParentNode!.ReplaceChild(holder, assertion);
        return document;
    }

    // The framework's own looks for other names of the attribute first.
    private sealed class Finder(XmlDocument document) : SignedXml(document)
    {
        public override XmlElement? GetIdElement(XmlDocument? document, string idValue) => document!.WithId(idValue);
    }
}
