using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using Demarc.Control.Identity.Saml;
using Demarc.Governance.Identity;

namespace Demarc.Control.Configuration;

/// <summary>Identity providers of SAML 2.0, and Demarc as their service provider.</summary>
/// <param name="EntityId">Null for <c>PUBLIC_URL/saml/metadata</c>.</param>
/// <param name="Keys">The present one signs; all of them open what is encrypted. Empty where nothing is signed or encrypted.</param>
public sealed record SamlConfig(string? EntityId, SamlKeyConfig[] Keys, SamlProviderConfig[] Providers);

/// <summary>A key of Demarc's, with the certificate that providers have of it.</summary>
public sealed record SamlKeyConfig(Secret PrivateKey, string CertificatePem);

/// <summary>One identity provider.</summary>
/// <param name="Metadata">The path of its metadata, read again when it changes.</param>
/// <param name="Post">Whether requests go by the POST binding; else by redirect.</param>
/// <param name="SignRequests">Whether they are signed.</param>
/// <param name="RequireEncryption">Whether an assertion in the clear is refused. Default false.</param>
/// <param name="Subject">The attribute that names a person lastingly; null for the NameID.</param>
/// <param name="Email">The attribute of the address; default <c>email</c>.</param>
/// <param name="DisplayName">The attribute of the name; default <c>displayName</c>.</param>
/// <param name="Groups">The attribute of the groups; default <c>groups</c>.</param>
/// <param name="AllowedGroups">Who may sign in; <c>*</c> for everyone whom the provider knows.</param>
/// <param name="EmailDomains">The domains whose addresses the provider may vouch for; empty for any.</param>
public sealed record SamlProviderConfig(
    string Name, string Metadata, bool Post, bool SignRequests, bool RequireEncryption, string? Subject, string Email, string DisplayName, string Groups, string[] AllowedGroups, string[] EmailDomains);

/// <summary>The key <c>identity.saml</c>.</summary>
internal static class SamlSection
{
    public static SamlConfig? Read(ConfigNode? node, IEnumerable<string> taken, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["entity_id", "keys", "providers"]) is not { } map)
            return null;
        var keys = reading.Items(map.Get("keys")).Select(k => Key(k, reading)).OfType<SamlKeyConfig>().ToArray();
        var names = taken.ToHashSet(StringComparer.Ordinal);
        var providers = new List<SamlProviderConfig>();
        foreach (var item in reading.Items(map.Required("providers", "a list of identity providers")))
        {
            if (Provider(item, map.Mentions("keys"), reading) is not { } provider)
                continue;
            if (!names.Add(provider.Name))
                reading.Error(item, $"another issuer or provider is named {ConfigText.Quote(provider.Name)}; accepted: a name of its own");
            providers.Add(provider);
        }
        return new SamlConfig(map.Text("entity_id")?.Value, keys, [.. providers]);
    }

    private static SamlKeyConfig? Key(ConfigNode item, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, ["private_key", "certificate"], hideUnknown: true) is not { } map)
            return null;
        var key = reading.Raw(map.Required("private_key", SecretReference.Accepted)) is { } text ? SecretReference.Read(text, reading) : null;
        var path = reading.Text(map.Required("certificate", "the path of a PEM file"));
        if (key is null || path is null || reading.File(path, path.Value) is not { } bytes)
            return null;
        var made = new SamlKeyConfig(key, System.Text.Encoding.UTF8.GetString(bytes));
        try
        {
            using var certificate = SamlKeys.Load(made);
            return made;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            reading.Error(item, "no RSA key with its certificate; accepted: private_key in PEM, RSA of 2048 bits or more, and the certificate made of it");
            return null;
        }
    }

    private static SamlProviderConfig? Provider(ConfigNode item, bool hasKeys, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, ["name", "metadata", "binding", "sign_requests", "require_encryption", "subject", "email", "display_name", "groups", "allowed_groups", "email_domains"]) is not { } map)
            return null;
        var name = reading.Text(map.Required("name", "what its button says"));
        var metadata = reading.Text(map.Required("metadata", "the path of the provider's metadata"));
        var allowed = reading.Texts(map.Required("allowed_groups", "names of groups, or \"*\" for everyone whom the provider knows"));
        var binding = map.Text("binding");
        if (binding is not null and not { Value: "redirect" or "post" })
            reading.Error(binding, $"{ConfigText.Quote(binding.Value)} is neither; accepted: redirect, post");
        var signs = map.Get("sign_requests") is { } sign ? Vocabulary.Flag(sign, reading) : hasKeys;
        var encrypted = Vocabulary.Flag(map.Get("require_encryption"), reading);
        if ((signs || encrypted) && !hasKeys)
            reading.Error(map.Node, "requests cannot be signed, nor assertions opened, without identity.saml.keys; accepted: with a key there");
        if (name is null || metadata is null || reading.File(metadata, metadata.Value) is not { } bytes)
            return null;
        try
        {
            SamlMetadata.Read(bytes, binding?.Value == "post").Dispose();
        }
        catch (Exception e) when (e is XmlException or CryptographicException or FormatException or ArgumentException)
        {
            reading.Error(metadata, $"no metadata of an identity provider: {e.Message} Accepted: an EntityDescriptor with an IDPSSODescriptor, its certificates and the address of its single sign-on");
            return null;
        }
        return new SamlProviderConfig(
            name.Value, reading.Absolute(metadata.Value), binding?.Value == "post", signs, encrypted, map.Text("subject")?.Value, map.Text("email")?.Value ?? "email",
            map.Text("display_name")?.Value ?? "displayName", map.Text("groups")?.Value ?? "groups", [.. allowed.Select(a => a.Value)],
            IdentitySection.Domains(map.Get("email_domains"), reading));
    }
}
