using System.Globalization;
using System.Xml;
using Demarc.Control.Configuration;
using Demarc.Control.Identity.SignIn;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Saml;

/// <summary>What an identity provider says of somebody, once all of it holds.</summary>
/// <param name="Provider">Its name in the configuration.</param>
/// <param name="RequestId">The request that it answers.</param>
/// <param name="ExpiresAt">Until when the same assertion could come again.</param>
internal sealed record SamlIdentity(string Provider, string AssertionId, string RequestId, ProvidedIdentity Identity, DateTimeOffset ExpiresAt);

/// <summary>
/// Checks a response (SAML 2.0 Core, 2 and 3; Profiles, 4.1.4): who signed it, for whom, when, and in answer to what. Each
/// failure names the check for the operator's log.
/// </summary>
internal sealed class SamlAnswer(SamlProvider[] providers, SamlKeys keys, string entityId, string acsUrl, TimeProvider time)
{
    private const string Success = "urn:oasis:names:tc:SAML:2.0:status:Success";
    private const string Bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    private const string Transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    private const string EmailFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(2);

    /// <exception cref="SignInException">A check failed, or nothing allows the person in.</exception>
    public SamlIdentity Read(byte[] xml)
    {
        // 1 the response, and whose it says it is
        var response = SamlXml.Load(xml);
        if (!SamlXml.Is(response, "Response", SamlXml.Protocol) || SamlXml.Attribute(response, "Version") != "2.0")
            throw new SignInException("saml_xml", "This is no Response of SAML 2.0");
        var provider = Provider(response);
        var certificates = provider.Current().Certificates;

        // 2 the one assertion in it, as it was signed
        var isSigned = SamlSignature.Has(response);
        if (isSigned)
            response = SamlSignature.Signed(response, certificates);
        CheckResponse(response, isSigned);
        var assertion = Assertion(response, provider);
        if (SamlSignature.Has(assertion))
            assertion = SamlSignature.Signed(assertion, certificates);
        else if (!isSigned)
            throw new SignInException("saml_unsigned", $"{provider.Config.Name} signed neither the response nor the assertion");

        // 3 for whom, when, and in answer to what
        if (Issuer(assertion) != provider.Current().EntityId)
            throw new SignInException("saml_issuer", $"The assertion is of {Printable(Issuer(assertion))}, not of {provider.Current().EntityId}");
        var subject = SamlXml.Required(assertion, "Subject", SamlXml.Assertion);
        var (requestId, end) = Confirmation(subject);
        if (SamlXml.Attribute(response, "InResponseTo") != requestId)
            throw new SignInException("saml_in_response_to", "The response and its assertion answer different requests");
        CheckConditions(assertion);
        CheckSession(assertion);

        // 4 who it is
        var id = SamlXml.Attribute(assertion, "ID") ?? throw new SignInException("saml_xml", "The assertion has no ID");
        return new SamlIdentity(provider.Config.Name, id, requestId, Identity(assertion, subject, provider), end + Skew);
    }

    private SamlProvider Provider(XmlElement response)
    {
        // Some name themselves in the assertion alone, which is checked against this one in any case.
        var named = Issuer(response) ?? SamlXml.Children(response, "Assertion", SamlXml.Assertion).Select(Issuer).FirstOrDefault();
        return Array.Find(providers, p => p.Current().EntityId == named)
            ?? (named is null && providers.Length == 1 ? providers[0] : throw new SignInException("saml_issuer", $"{Printable(named)} is none of identity.saml.providers"));
    }

    private void CheckResponse(XmlElement response, bool isSigned)
    {
        // Bindings, 3.5.5.2: a signed message names where it goes.
        var destination = SamlXml.Attribute(response, "Destination");
        if (destination != acsUrl && (destination is not null || isSigned))
            throw new SignInException("saml_destination", $"The response is for {Printable(destination)}, not for {acsUrl}");
        var code = SamlXml.Required(SamlXml.Required(response, "Status", SamlXml.Protocol), "StatusCode", SamlXml.Protocol);
        if (SamlXml.Attribute(code, "Value") != Success)
            throw new SignInException(
                "saml_status", $"The provider answered {Printable(SamlXml.Attribute(code, "Value"))} {Printable(SamlXml.Attribute(SamlXml.Child(code, "StatusCode", SamlXml.Protocol), "Value"))}",
                "Your identity provider did not sign you in.");
    }

    private XmlElement Assertion(XmlElement response, SamlProvider provider)
    {
        var plain = SamlXml.Children(response, "Assertion", SamlXml.Assertion);
        var encrypted = SamlXml.Children(response, "EncryptedAssertion", SamlXml.Assertion);
        // Whatever stands elsewhere was put there to be mistaken for it.
        if (plain.Length + encrypted.Length != 1 || SamlXml.Count(response, "Assertion", SamlXml.Assertion) != plain.Length || SamlXml.Count(response, "EncryptedAssertion", SamlXml.Assertion) != encrypted.Length)
            throw new SignInException("saml_assertions", "A response has to hold one assertion, and nowhere else another");
        if (plain.Length == 1)
            return provider.Config.RequireEncryption ? throw new SignInException("saml_encryption", $"{provider.Config.Name} sends its assertion in the clear, and require_encryption is set") : plain[0];
        var opened = SamlEncryption.Open(encrypted[0], keys.All);
        if (!SamlXml.Is(opened, "Assertion", SamlXml.Assertion) || SamlXml.Count(opened, "Assertion", SamlXml.Assertion) != 1)
            throw new SignInException("saml_assertions", "What was encrypted is not one assertion");
        return opened;
    }

    private (string RequestId, DateTimeOffset End) Confirmation(XmlElement subject)
    {
        var problems = new List<string>();
        foreach (var confirmation in SamlXml.Children(subject, "SubjectConfirmation", SamlXml.Assertion))
        {
            var data = SamlXml.Child(confirmation, "SubjectConfirmationData", SamlXml.Assertion);
            if (SamlXml.Attribute(confirmation, "Method") != Bearer || data is null)
                problems.Add("it is not of the bearer");
            else if (SamlXml.Attribute(data, "Recipient") != acsUrl)
                problems.Add($"its Recipient is {Printable(SamlXml.Attribute(data, "Recipient"))}, not {acsUrl}");
            else if (SamlXml.Attribute(data, "NotBefore") is not null)
                problems.Add("it has a NotBefore, which one of the bearer must not have");
            else if (Time(data, "NotOnOrAfter") is not { } end || end + Skew <= time.GetUtcNow())
                problems.Add($"its NotOnOrAfter is {SamlXml.Attribute(data, "NotOnOrAfter") ?? "missing"}, and the time here {Now}");
            else if (SamlXml.Attribute(data, "InResponseTo") is not { } requestId)
                problems.Add("it answers no request: sign-in has to begin here");
            else
                return (requestId, end);
        }
        throw new SignInException("saml_confirmation", $"No SubjectConfirmation holds: {string.Join("; ", problems)}");
    }

    private void CheckConditions(XmlElement assertion)
    {
        var conditions = SamlXml.Required(assertion, "Conditions", SamlXml.Assertion);
        var now = time.GetUtcNow();
        if (Time(conditions, "NotBefore") - Skew > now || Time(conditions, "NotOnOrAfter") + Skew <= now)
            throw new SignInException("saml_time", $"The assertion holds from {SamlXml.Attribute(conditions, "NotBefore")} to {SamlXml.Attribute(conditions, "NotOnOrAfter")}, and the time here is {Now}: compare the clocks");
        var restrictions = SamlXml.Children(conditions, "AudienceRestriction", SamlXml.Assertion);
        if (restrictions.Length == 0 || !Array.TrueForAll(restrictions, r => SamlXml.Children(r, "Audience", SamlXml.Assertion).Any(a => a.InnerText.Trim() == entityId)))
            throw new SignInException("saml_audience", $"The assertion is not for {entityId}: enter that as the entity id (audience) at the provider");
    }

    private void CheckSession(XmlElement assertion)
    {
        var statements = SamlXml.Children(assertion, "AuthnStatement", SamlXml.Assertion);
        if (statements.Length == 0)
            throw new SignInException("saml_authn", "The assertion does not say that anybody signed in (AuthnStatement)");
        if (Array.Exists(statements, s => Time(s, "SessionNotOnOrAfter") + Skew <= time.GetUtcNow()))
            throw new SignInException("saml_time", $"The session at the provider has ended; the time here is {Now}");
    }

    private static ProvidedIdentity Identity(XmlElement assertion, XmlElement subject, SamlProvider provider)
    {
        var config = provider.Config;
        var attributes = SamlXml.Children(assertion, "AttributeStatement", SamlXml.Assertion)
            .SelectMany(s => SamlXml.Children(s, "Attribute", SamlXml.Assertion))
            .ToLookup(a => a.GetAttribute("Name"), a => SamlXml.Children(a, "AttributeValue", SamlXml.Assertion).Select(v => v.InnerText.Trim()));
        string[] Values(string name) => [.. attributes[name].SelectMany(v => v).Where(v => v.Length > 0)];

        var nameId = SamlXml.Child(subject, "NameID", SamlXml.Assertion);
        var format = SamlXml.Attribute(nameId, "Format");
        var known = config.Subject is { } claim ? Values(claim).FirstOrDefault() : format == Transient ? null : nameId?.InnerText.Trim();
        if (string.IsNullOrEmpty(known))
            throw new SignInException(
                "saml_subject", $"{config.Name} names nobody lastingly (NameID format {format ?? "unspecified"}): have it send a persistent NameID, or name an attribute in identity.saml.providers.subject");
        var email = Values(config.Email).FirstOrDefault() ?? (format == EmailFormat ? nameId!.InnerText.Trim() : null)
            ?? throw new SignInException("no_email", $"{config.Name} gives no attribute {config.Email}: there are {Printable(string.Join(", ", attributes.Select(a => a.Key)))}. Name another in identity.saml.providers.email");
        if (PrincipalRules.EmailProblem(email) is { } wrong)
            throw new SignInException("email", $"The attribute {config.Email} of {config.Name} is no address: {wrong}");
        SignInException.RequireDomain(config.Name, email, config.EmailDomains);
        string[] groups = [.. Values(config.Groups).Where(g => PrincipalRules.NameProblem(g) is null).Distinct()];
        if (!config.AllowedGroups.Contains("*") && !config.AllowedGroups.Intersect(groups).Any())
            throw SignInException.NotAllowed(config.Name, config.Groups, groups.Length);
        var name = Values(config.DisplayName).FirstOrDefault();
        return new ProvidedIdentity(provider.Current().EntityId, known, email, name is not null && PrincipalRules.NameProblem(name) is null ? name : email, groups);
    }

    private string Now => time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);

    private static string? Issuer(XmlElement element) => SamlXml.Child(element, "Issuer", SamlXml.Assertion)?.InnerText.Trim();

    private static DateTimeOffset? Time(XmlElement element, string name) =>
        SamlXml.Attribute(element, name) is not { } text ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw new SignInException("saml_time", $"{name} is no time: {Printable(text)}");

    private static string Printable(string? text) => text is null ? "nobody" : ConfigText.Printable(text);
}
