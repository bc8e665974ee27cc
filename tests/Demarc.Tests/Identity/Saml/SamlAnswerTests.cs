using System.Security.Cryptography;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;
using Demarc.Control.Identity.SignIn;
using Xunit;

namespace Demarc.Tests.Identity.Saml;

/// <summary>A corpus of responses: those that hold, and forgeries of every kind that is known, each with the check that refuses it.</summary>
public sealed class SamlAnswerTests : IDisposable
{
    private static readonly Dictionary<string, Func<XmlDocument>> Holding = new()
    {
        ["the assertion is signed"] = () => new Said().Signed(),
        ["the response is signed"] = () => new Said().Xml().Sign("_response"),
        ["both are signed"] = () => new Said().Signed().Sign("_response"),
        ["encrypted, AES-256-GCM"] = () => new Said().Signed().Encrypt(),
        ["encrypted, AES-128-CBC"] = () => new Said().Signed().Encrypt("http://www.w3.org/2001/04/xmlenc#aes128-cbc"),
        ["encrypted, the response signed around it"] = () => new Said().Xml().Encrypt().Sign("_response"),
        ["expired a minute ago by this clock"] = () => new Said { Now = TestProvider.Now.AddMinutes(-6) }.Signed(),
        ["issued in a minute by this clock"] = () => new Said { Now = TestProvider.Now.AddMinutes(1) }.Signed(),
    };

    private static readonly Dictionary<string, (string Code, Func<XmlDocument> Response)> Forged = new()
    {
        // Signatures that are none
        ["unsigned"] = ("saml_unsigned", () => new Said().Xml()),
        ["the signature taken away"] = ("saml_unsigned", () => new Said().Signed().Remove("Signature")),
        ["encrypted by anybody, unsigned"] = ("saml_unsigned", () => new Said().Xml().Encrypt()),
        ["signed by a stranger"] = ("saml_signature", () => new Said().Xml().Sign("_assertion", key: TestProvider.OtherKey)),
        ["the subject changed"] = ("saml_signature", () => new Said().Signed().Do(d => d.At("NameID").InnerText = "admin")),
        ["an attribute added"] = ("saml_signature", () => new Said().Signed().Do(d => d.At("AttributeStatement").AppendChild(d.At("Attribute").CloneNode(true)))),
        ["the status changed in a signed response"] = ("saml_signature", () => new Said().Xml().Sign("_response").Set("StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Success ")),
        ["an empty signature value"] = ("saml_signature", () => new Said().Signed().Do(d => d.At("SignatureValue").InnerText = "")),
        ["a signature value that is no base64"] = ("saml_signature", () => new Said().Signed().Do(d => d.At("SignatureValue").InnerText = "?")),
        ["no reference"] = ("saml_xml", () => new Said().Signed().Remove("Reference")),
        ["two references"] = ("saml_xml", () => new Said().Signed().Do(d => d.At("SignedInfo").AppendChild(d.At("Reference").CloneNode(true)))),
        ["two signatures"] = ("saml_xml", () => new Said().Signed().Do(d => d.At("Assertion").AppendChild(d.At("Signature").CloneNode(true)))),

        // Algorithms
        ["HMAC with the certificate as the secret"] = ("saml_signature", () => Hmac()),
        ["RSA with SHA-1"] = ("saml_signature", () => Signed(s => s.SignedInfo!.SignatureMethod = "http://www.w3.org/2000/09/xmldsig#rsa-sha1")),
        ["a digest of SHA-1"] = ("saml_signature", () => Signed(s => ((Reference)s.SignedInfo!.References[0]!).DigestMethod = "http://www.w3.org/2000/09/xmldsig#sha1")),
        ["inclusive canonicalization"] = ("saml_signature", () => Signed(s => s.SignedInfo!.CanonicalizationMethod = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")),
        ["canonicalization with comments"] = ("saml_signature", () => Signed(s => s.SignedInfo!.CanonicalizationMethod = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")),
        ["an XPath transform"] = ("saml_signature", () => new Said().Signed().Do(d => ((XmlElement)d.SelectNodes("//*[local-name()='Transform']")![1]!).SetAttribute("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116"))),
        ["an XSLT transform more"] = ("saml_signature", () => new Said().Signed().Do(d => d.At("Transforms").AppendChild(d.At("Transform").CloneNode(true)))),
        ["a reference to the whole document"] = ("saml_signature", () => new Said().Signed().Set("Reference", "URI", "")),
        ["a reference to another element"] = ("saml_signature", () => new Said().Signed().Set("Reference", "URI", "#_response")),
        ["a key wrapped by RSA 1.5"] = ("saml_encryption", () => new Said().Signed().Encrypt(wrap: "http://www.w3.org/2001/04/xmlenc#rsa-1_5")),
        ["encrypted for somebody else"] = ("saml_encryption", () => new Said().Signed().Encrypt(key: TestProvider.OtherKey)),
        ["encrypted by triple DES"] = ("saml_encryption", () => new Said().Signed().Encrypt().Set("EncryptionMethod", "Algorithm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")),
        ["encrypted, AES-256-GCM, and nothing of it left"] = ("saml_encryption", () => new Said().Signed().Encrypt().Do(d => d.Sealed().InnerText = "")),
        ["encrypted, AES-128-CBC, and nothing but its vector left"] = ("saml_encryption", () => new Said().Signed().Encrypt("http://www.w3.org/2001/04/xmlenc#aes128-cbc").Do(d => d.Sealed().InnerText = Convert.ToBase64String(new byte[16]))),
        ["encrypted, AES-128-CBC, and less than its vector left"] = ("saml_encryption", () => new Said().Signed().Encrypt("http://www.w3.org/2001/04/xmlenc#aes128-cbc").Do(d => d.Sealed().InnerText = "AAAA")),

        // Wrapping: the signed original is somewhere, and something else where it is read ("On Breaking SAML", USENIX Security 2012, XSW 1 to 8)
        ["XSW1, the signed response inside the signature of another"] = ("saml_signature", () => WrapResponse(inSignature: true)),
        ["XSW2, the signed response beside the signature of another"] = ("saml_signature", () => WrapResponse(inSignature: false)),
        ["XSW3, another assertion before the signed one"] = ("saml_assertions", () => Wrap((d, evil, good) => good.ParentNode!.InsertBefore(evil, good))),
        ["XSW4, the signed assertion inside another"] = ("saml_assertions", () => Wrap((d, evil, good) => { good.ParentNode!.ReplaceChild(evil, good); evil.AppendChild(good); })),
        ["XSW5, the signature moved, the signed assertion behind"] = ("saml_assertions", () => Wrap((d, evil, good) => { evil.InsertAfter(d.At("Signature"), evil.FirstChild); good.ParentNode!.InsertBefore(evil, good); })),
        ["XSW6, the signed assertion inside the moved signature"] = ("saml_assertions", () => Wrap((d, evil, good) => { var s = d.At("Signature"); good.ParentNode!.ReplaceChild(evil, good); evil.InsertAfter(s, evil.FirstChild); s.AppendChild(good); })),
        ["XSW7, another assertion in extensions"] = ("saml_assertions", () => Wrap((d, evil, good) => d.DocumentElement!.InsertAfter(d.CreateElement("samlp", "Extensions", "urn:oasis:names:tc:SAML:2.0:protocol"), d.DocumentElement.FirstChild)!.AppendChild(evil))),
        ["XSW8, the signed assertion in an object of the signature"] = ("saml_assertions", () => Wrap((d, evil, good) => { var s = d.At("Signature"); good.ParentNode!.ReplaceChild(evil, good); evil.InsertAfter(s, evil.FirstChild); s.AppendChild(d.CreateElement("ds", "Object", SignedXml.XmlDsigNamespaceUrl))!.AppendChild(good); })),
        ["the same id on another assertion"] = ("saml_xml", () => Wrap((d, evil, good) => { evil.SetAttribute("ID", "_assertion"); good.ParentNode!.InsertBefore(evil, good); })),
        ["the same id under another name"] = ("saml_xml", () => new Said().Signed().Set("AuthnContext", "Id", "_assertion")),
        ["a second assertion, signed too"] = ("saml_assertions", () => Wrap((d, evil, good) => { good.ParentNode!.AppendChild(evil); d.Sign("_evil"); })),
        ["an assertion in a foreign place of the response"] = ("saml_assertions", () => Wrap((d, evil, good) => d.At("Status").AppendChild(good))),
        ["no assertion"] = ("saml_assertions", () => new Said().Signed().Remove("Assertion")),

        // Text that canonical XML changes
        ["a comment in the name"] = ("saml_xml", () => new Said { Subject = "zed.evil" }.Signed().Do(d => d.At("NameID").InnerXml = "zed<!-- -->.evil")),
        ["a comment in an attribute"] = ("saml_xml", () => new Said().Signed().Do(d => d.At("AttributeValue").InnerXml = "zed@corp.example<!---->")),
        ["a processing instruction in the name"] = ("saml_xml", () => new Said { Subject = "zed.evil" }.Signed().Do(d => d.At("NameID").InnerXml = "zed<?x?>.evil")),
        ["CDATA in the name"] = ("saml_xml", () => new Said().Signed().Do(d => d.At("NameID").InnerXml = "<![CDATA[zed]]>")),

        // For whom, when, and in answer to what
        ["expired"] = ("saml_confirmation", () => new Said { Now = TestProvider.Now.AddMinutes(-8) }.Signed()),
        ["not yet valid"] = ("saml_time", () => new Said { Now = TestProvider.Now.AddMinutes(5) }.Signed()),
        ["its conditions expired"] = ("saml_time", () => Changed("Conditions", "NotOnOrAfter", "2026-11-22T11:50:00Z")),
        ["its session ended"] = ("saml_time", () => Changed("AuthnStatement", "SessionNotOnOrAfter", "2026-11-22T11:50:00Z")),
        ["a confirmation without an end"] = ("saml_confirmation", () => Changed("SubjectConfirmationData", "NotOnOrAfter", null)),
        ["a confirmation that begins later"] = ("saml_confirmation", () => Changed("SubjectConfirmationData", "NotBefore", "2026-11-22T11:50:00Z")),
        ["for another service"] = ("saml_audience", () => new Said { Audience = "https://other.example" }.Signed()),
        ["for no service"] = ("saml_audience", () => new Said().Xml().Remove("AudienceRestriction").Sign("_assertion")),
        ["sent to another address"] = ("saml_confirmation", () => Changed("SubjectConfirmationData", "Recipient", "https://other.example/acs")),
        ["sent to no address"] = ("saml_confirmation", () => Changed("SubjectConfirmationData", "Recipient", null)),
        ["a response to another address"] = ("saml_destination", () => new Said().Signed().Set("Response", "Destination", "https://other.example/acs")),
        ["a signed response to no address"] = ("saml_destination", () => new Said().Xml().Set("Response", "Destination", null).Sign("_response")),
        ["unasked"] = ("saml_confirmation", () => Changed("SubjectConfirmationData", "InResponseTo", null)),
        ["in answer to two requests"] = ("saml_in_response_to", () => new Said().Signed().Set("Response", "InResponseTo", "_other")),
        ["a holder of a key"] = ("saml_confirmation", () => Changed("SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")),
        ["of a provider that nobody knows"] = ("saml_issuer", () => new Said { Issuer = "https://evil.example" }.Signed()),
        ["an assertion of another provider in a response of this one"] = ("saml_issuer", () => new Said { Issuer = "https://evil.example" }.Xml().Do(d => d.At("Issuer").InnerText = TestProvider.EntityId).Sign("_assertion")),
        ["nobody signed in"] = ("saml_authn", () => new Said().Xml().Remove("AuthnStatement").Sign("_assertion")),
        ["the provider says no"] = ("saml_status", () => new Said().Signed().Set("StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")),
        ["a name for once"] = ("saml_subject", () => new Said { Format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" }.Signed()),
        ["in no group that may"] = ("not_allowed", () => new Said { Group = "marketing" }.Signed()),
        ["of SAML 1.1"] = ("saml_xml", () => new Said().Signed().Set("Response", "Version", "1.1")),
    };

    private readonly TestProvider _provider = new();

    public static TheoryData<string> Right => [.. Holding.Keys];

    public static TheoryData<string> Wrong => [.. Forged.Keys];

    public void Dispose() => _provider.Dispose();

    [Theory]
    [MemberData(nameof(Right))]
    public void A_response_that_holds_is_read(string which)
    {
        var read = _provider.Read(Holding[which]());

        Assert.Equal(("corp", "_assertion", "_request"), (read.Provider, read.AssertionId, read.RequestId));
        Assert.Equal((TestProvider.EntityId, "zed", "zed@corp.example", "Zed"), (read.Identity.Issuer, read.Identity.Subject, read.Identity.Email, read.Identity.Name));
        Assert.Equal(["developers", "all"], read.Identity.Groups);
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_forged_response_is_refused_by_the_check_that_it_fails(string which)
    {
        var (code, response) = Forged[which];
        var refused = Assert.Throws<SignInException>(() => _provider.Read(response()));
        Assert.True(code == refused.Code, $"{refused.Code}: {refused.Message}");
    }

    [Theory]
    [InlineData("<!DOCTYPE Response [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>")]
    [InlineData("<!DOCTYPE Response>")]
    public void A_document_type_is_refused(string dtd) =>
        Assert.Equal("saml_xml", Assert.Throws<SignInException>(() => _provider.Read(dtd + new Said().Signed().OuterXml)).Code);

    [Theory]
    [InlineData("")]
    [InlineData("<a>")]
    [InlineData("no xml")]
    public void What_is_no_XML_is_refused(string text) => Assert.Equal("saml_xml", Assert.Throws<SignInException>(() => _provider.Read(text)).Code);

    [Fact]
    public void XML_nested_without_end_is_refused() =>
        Assert.Equal("saml_xml", Assert.Throws<SignInException>(() => _provider.Read(string.Concat(Enumerable.Repeat("<a>", 5000)) + string.Concat(Enumerable.Repeat("</a>", 5000)))).Code);

    [Fact]
    public void A_wrong_key_is_refused_with_the_certificates_that_would_do()
    {
        var refused = Assert.Throws<SignInException>(() => _provider.Read(new Said().Xml().Sign("_assertion", key: TestProvider.OtherKey)));
        var known = Convert.ToHexString(SHA256.HashData(TestProvider.Key.RawData));
        Assert.Contains($"({known[..2]}:{known[2..4]}:{known[4..6]}:{known[6..8]}:… until {TestProvider.Key.NotAfter.ToUniversalTime():yyyy-MM-dd})", refused.Message, StringComparison.Ordinal);
        Assert.Null(refused.Shown);
    }

    [Fact]
    public void A_certificate_is_rolled_over_without_a_restart()
    {
        var provider = new Demarc.Control.Identity.Saml.SamlProvider(_provider.Config);
        Assert.Equal([TestProvider.Key.Thumbprint], provider.Current().Certificates.Select(c => c.Thumbprint));

        File.WriteAllText(_provider.MetadataPath, TestProvider.Metadata(TestProvider.EntityId, TestProvider.OtherKey, TestProvider.Key));
        File.SetLastWriteTimeUtc(_provider.MetadataPath, TestProvider.Now.UtcDateTime);
        Assert.Equal([TestProvider.OtherKey.Thumbprint, TestProvider.Key.Thumbprint], provider.Current().Certificates.Select(c => c.Thumbprint));
        Assert.Equal("zed", _provider.Read(new Said().Signed()).Identity.Subject);
        Assert.Equal("zed", _provider.Read(new Said().Xml().Sign("_assertion", key: TestProvider.OtherKey)).Identity.Subject);

        File.WriteAllText(_provider.MetadataPath, "half writ");
        Assert.Equal(2, provider.Current().Certificates.Length);
    }

    [Fact]
    public void An_assertion_in_the_clear_is_refused_where_encryption_is_required()
    {
        _provider.Config = _provider.Config with { RequireEncryption = true };
        Assert.Equal("saml_encryption", Assert.Throws<SignInException>(() => _provider.Read(new Said().Signed())).Code);
        Assert.Equal("zed", _provider.Read(new Said().Signed().Encrypt()).Identity.Subject);
    }

    [Fact]
    public void A_signature_of_an_elliptic_curve_holds()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=ec", ec, HashAlgorithmName.SHA256).CreateSelfSigned(TestProvider.Now.AddYears(-1), TestProvider.Now.AddYears(1));
        File.WriteAllText(_provider.MetadataPath, TestProvider.Metadata(TestProvider.EntityId, key));
        var response = new Said().Signed().Set("SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
        var transform = new XmlDsigExcC14NTransform();
        transform.LoadInput(Demarc.Control.Identity.Saml.SamlXml.Alone(response.At("SignedInfo")).OwnerDocument);
        using var canonical = (MemoryStream)transform.GetOutput(typeof(Stream));
        response.At("SignatureValue").InnerText = Convert.ToBase64String(ec.SignData(canonical.ToArray(), HashAlgorithmName.SHA256));

        Assert.Equal("zed", _provider.Read(response).Identity.Subject);
    }

    private static XmlDocument Signed(Action<SignedXml> change) => new Said().Xml().Sign("_assertion", change: change);

    /// <summary>Changed by the provider itself, which signs it.</summary>
    private static XmlDocument Changed(string element, string attribute, string? value) => new Said().Xml().Set(element, attribute, value).Sign("_assertion");

    private static XmlDocument Wrap(Action<XmlDocument, XmlElement, XmlElement> place)
    {
        var document = new Said().Signed();
        var good = document.At("Assertion");
        var evil = (XmlElement)new Said { Subject = "admin", AssertionId = "_evil" }.Xml().At("Assertion");
        place(document, (XmlElement)document.ImportNode(evil, true), good);
        return document;
    }

    private static XmlDocument WrapResponse(bool inSignature)
    {
        var signed = new Said().Xml().Sign("_response");
        var evil = new Said { Subject = "admin", AssertionId = "_evil" }.Xml().Set("Response", "ID", "_evilresponse");
        var signature = (XmlElement)evil.DocumentElement!.InsertAfter(evil.ImportNode(signed.At("Signature"), true), evil.DocumentElement.FirstChild)!;
        signed.Remove("Signature");
        var original = evil.ImportNode(signed.DocumentElement!, true);
        if (inSignature)
            signature.AppendChild(original);
        else
            evil.DocumentElement.AppendChild(original);
        return evil;
    }

    private static XmlDocument Hmac()
    {
        var document = new Said().Signed().Set("SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
        var transform = new XmlDsigExcC14NTransform();
        transform.LoadInput(Demarc.Control.Identity.Saml.SamlXml.Alone(document.At("SignedInfo")).OwnerDocument);
        using var canonical = (MemoryStream)transform.GetOutput(typeof(Stream));
        document.At("SignatureValue").InnerText = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(TestProvider.Key.ExportCertificatePem()), canonical.ToArray()));
        return document;
    }
}
