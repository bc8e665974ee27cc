using Demarc.Control.Identity.SignIn;
using Demarc.Governance.Identity;

namespace Demarc.Control.Configuration;

/// <summary>How people sign in.</summary>
/// <param name="Session">How long a sign-in lasts; then the person signs in anew. Default 12 hours.</param>
/// <param name="AccessToken">How long an access token lasts before the client refreshes it. Default 1 hour.</param>
/// <param name="LoginNotice">What a developer reads while signing in, at most 500 characters.</param>
/// <param name="Recheck">How often an issuer is asked again whether a person is still there; null for at sign-in alone.</param>
public sealed record IdentityConfig(IssuerConfig[] Issuers, TimeSpan Session, TimeSpan AccessToken, string LoginNotice, SamlConfig? Saml = null, TimeSpan? Recheck = null);

/// <summary>An OpenID Connect provider.</summary>
/// <param name="Name">What its button says; unique.</param>
/// <param name="Issuer">As its discovery document has it, without a trailing slash.</param>
/// <param name="ClientSecret">Null where <paramref name="PrivateKey"/> is there.</param>
/// <param name="PrivateKey">PEM, RSA or P-256, for <c>private_key_jwt</c>.</param>
/// <param name="Groups">The claim, or a JSON pointer into the claims. Default <c>groups</c>.</param>
/// <param name="Email">The claim that holds the address. Default <c>email</c>, which has to be verified; by naming another the operator vouches for it.</param>
/// <param name="AllowedGroups">Who may sign in; <c>*</c> for everyone whom the issuer knows.</param>
/// <param name="EmailDomains">The domains whose addresses the issuer may vouch for; empty for any.</param>
public sealed record IssuerConfig(
    string Name, Uri Issuer, string ClientId, Secret? ClientSecret, Secret? PrivateKey, string[] Scopes, string Groups, string Email, string[] AllowedGroups, string[] EmailDomains);

/// <summary>The key <c>identity</c>.</summary>
internal static class IdentitySection
{
    // Claude Code shows no more of a notice.
    private const int MostNotice = 500;

    public const string DefaultNotice = "Your requests go through your organization's gateway, which records who asked what model when, at what cost, and, where a policy says so, what was said.";

    public static IdentityConfig? Read(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["issuers", "session", "access_token", "login_notice", "saml", "recheck"]) is not { } map)
            return null;
        var issuers = new List<IssuerConfig>();
        foreach (var item in reading.Items(map.Mentions("saml") ? map.Get("issuers") : map.Required("issuers", "a list of OpenID Connect issuers")))
        {
            if (Issuer(item, reading) is not { } issuer)
                continue;
            if (issuers.Exists(i => i.Name == issuer.Name))
                reading.Error(item, $"another issuer is named {ConfigText.Quote(issuer.Name)}; accepted: a name of its own");
            issuers.Add(issuer);
        }
        if (map.Get("issuers") is ListNode { Items.Count: 0 } none)
            reading.Error(none, "an empty list lets nobody sign in; accepted: at least one issuer, or leave identity out");
        var notice = map.Text("login_notice");
        if (notice?.Value.Length > MostNotice)
            reading.Error(notice, $"{notice.Value.Length} characters; accepted: at most {MostNotice}, as Claude Code shows no more");
        var saml = SamlSection.Read(map.Get("saml"), issuers.Select(i => i.Name), reading);
        ReviewDomains(map, issuers, saml, reading);
        return new IdentityConfig(
            [.. issuers],
            Lifetime(map.Get("session"), TimeSpan.FromHours(12), reading),
            Lifetime(map.Get("access_token"), TimeSpan.FromHours(1), reading),
            notice?.Value ?? DefaultNotice,
            saml,
            map.Get("recheck") is { } recheck ? ManagementSection.Interval(recheck, reading) : null);
    }

    private static IssuerConfig? Issuer(ConfigNode item, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, ["name", "issuer", "client_id", "client_secret", "private_key", "scopes", "groups", "email", "allowed_groups", "email_domains"], hideUnknown: true) is not { } map)
            return null;
        var issuer = UrlRules.Read(reading.Text(map.Required("issuer", "https://, as its discovery document has it")), reading);
        var client = reading.Text(map.Required("client_id", "the id under which the issuer knows Demarc"));
        var allowed = reading.Texts(map.Required("allowed_groups", "names of groups, or \"*\" for everyone whom the issuer knows"));
        var secret = Secret(map, "client_secret", reading);
        var key = Secret(map, "private_key", reading);
        if (map.Mentions("client_secret") == map.Mentions("private_key"))
            reading.Error(map.Node, "accepted: one of client_secret and private_key");
        if (key is not null && !ClientAssertion.CanSign(key))
            reading.Error(map.Get("private_key")!, "no private key; accepted: PEM, RSA or P-256");
        if (issuer is null || client is null)
            return null;
        var scopes = reading.Texts(map.Get("scopes"));
        return new IssuerConfig(
            map.Text("name")?.Value ?? issuer.Host, issuer, client.Value, secret, key,
            scopes.Count == 0 ? ["openid", "profile", "email"] : [.. scopes.Select(s => s.Value).Prepend("openid").Distinct()],
            map.Text("groups")?.Value ?? "groups", map.Text("email")?.Value ?? "email", [.. allowed.Select(a => a.Value)], Domains(map.Get("email_domains"), reading));
    }

    /// <summary>Domains of addresses, in lower case.</summary>
    internal static string[] Domains(ConfigNode? node, ConfigReading reading)
    {
        var domains = reading.Texts(node);
        foreach (var domain in domains.Where(d => Uri.CheckHostName(d.Value) != UriHostNameType.Dns || d.Value.Contains('@', StringComparison.Ordinal)))
            reading.Error(domain, $"{ConfigText.Quote(domain.Value)} is no domain; accepted: what stands behind the @ of an address, for example contoso.example");
        return [.. domains.Select(d => d.Value.ToLowerInvariant())];
    }

    // Two that vouch for the same addresses can each sign in the other's people.
    private static void ReviewDomains(MapReader map, List<IssuerConfig> issuers, SamlConfig? saml, ConfigReading reading)
    {
        var unbound = issuers.Where(i => i.EmailDomains.Length == 0).Select(i => i.Name).Concat((saml?.Providers ?? []).Where(p => p.EmailDomains.Length == 0).Select(p => p.Name)).ToArray();
        if (issuers.Count + (saml?.Providers.Length ?? 0) > 1 && unbound.Length > 0)
            reading.Warn(map.Node, $"{string.Join(", ", unbound)} may vouch for any address, also of people who come by the others; name email_domains for each");
    }

    private static Secret? Secret(MapReader map, string key, ConfigReading reading) =>
        reading.Raw(map.Get(key)) is { } text ? SecretReference.Read(text, reading) : null;

    private static TimeSpan Lifetime(ConfigNode? node, TimeSpan standard, ConfigReading reading)
    {
        if (node is null)
            return standard;
        if (node is TextNode { Value: "never" })
            reading.Error(node, "a sign-in has an end; accepted: 1m to 30d, for example 12h");
        return ManagementSection.Interval(node, reading) ?? standard;
    }
}
