using System.Globalization;
using Microsoft.IdentityModel.Tokens;

namespace Demarc.Control.Configuration;

/// <summary>Whose workloads trade their identity tokens for Demarc's.</summary>
public sealed record FederationConfig(FederationIssuerConfig[] Issuers, FederationRuleConfig[] Rules)
{
    public static readonly FederationConfig None = new([], []);
}

/// <summary>Who signs identity tokens.</summary>
/// <param name="Issuer">The claim <c>iss</c>, as it stands in tokens.</param>
/// <param name="KeySet">A JWKS; null to read the keys where <paramref name="Discovery"/> says.</param>
/// <param name="Discovery">The address under which <c>/.well-known/openid-configuration</c> is; default the issuer.</param>
public sealed record FederationIssuerConfig(string Name, string Issuer, Uri? Discovery, string? KeySet);

/// <summary>Which identity tokens are traded, and for whom.</summary>
/// <param name="Name">a-z, 0-9 and '-'; workloads send <c>fdrl_</c> and it.</param>
/// <param name="Subject">The claim <c>sub</c>, or how it begins where it ends in <c>*</c>; null for any.</param>
/// <param name="Claims">Claims that have to be as they are here; a list in the token has to hold it.</param>
/// <param name="ServiceAccount">The name of whom the token acts as.</param>
/// <param name="Workspace">Its name or id; null for the default one.</param>
/// <param name="Lifetime">1 minute to 24 hours; default 10 minutes.</param>
/// <param name="Once">Whether an identity token that has a <c>jti</c> is traded once.</param>
public sealed record FederationRuleConfig(
    string Name, string Issuer, string Audience, string? Subject, IReadOnlyDictionary<string, string> Claims, string ServiceAccount, string? Workspace, TimeSpan Lifetime, bool Once);

/// <summary>The key <c>federation</c>.</summary>
internal static class FederationSection
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);
    private static readonly TimeSpan Default = TimeSpan.FromMinutes(10);

    public static FederationConfig Read(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["issuers", "rules"]) is not { } map)
            return FederationConfig.None;
        var issuers = reading.Items(map.Required("issuers", "who signs identity tokens")).Select(i => Issuer(i, reading)).OfType<FederationIssuerConfig>().ToArray();
        var rules = new List<FederationRuleConfig>();
        foreach (var item in reading.Items(map.Required("rules", "which identity tokens are traded, and for whom")))
        {
            if (Rule(item, issuers, reading) is not { } rule)
                continue;
            if (rules.Exists(r => r.Name == rule.Name))
                reading.Error(item, $"another rule is named {ConfigText.Quote(rule.Name)}; accepted: a name of its own");
            rules.Add(rule);
        }
        foreach (var twice in issuers.GroupBy(i => i.Name).Where(g => g.Count() > 1))
            reading.Error(map.Get("issuers")!, $"two issuers are named {ConfigText.Quote(twice.Key)}; accepted: a name for each");
        return new FederationConfig(issuers, [.. rules]);
    }

    private static FederationIssuerConfig? Issuer(ConfigNode item, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, ["name", "issuer", "discovery", "keys_file"]) is not { } map)
            return null;
        var name = reading.Text(map.Required("name", "a name that rules have"));
        var issuer = reading.Text(map.Required("issuer", "the claim iss, as it stands in tokens"));
        var discovery = UrlRules.Read(map.Text("discovery"), reading);
        var keys = map.Text("keys_file") is { } file ? Keys(file, reading) : null;
        if (map.Mentions("keys_file") && map.Mentions("discovery"))
            reading.Error(map.Node, "accepted: one of keys_file and discovery");
        if (issuer is not null && !map.Mentions("keys_file") && discovery is null && !map.Mentions("discovery"))
            discovery = UrlRules.Read(issuer, reading);
        return name is null || issuer is null ? null : new FederationIssuerConfig(name.Value, issuer.Value, discovery, keys);
    }

    private static string? Keys(TextNode file, ConfigReading reading)
    {
        if (reading.File(file, file.Value) is not { } bytes)
            return null;
        try
        {
            if (ConfigReading.Utf8(bytes) is { } text && new JsonWebKeySet(text).GetSigningKeys().Count > 0)
                return text;
        }
        catch (ArgumentException)
        {
            // Said below.
        }
        reading.Error(file, "the file holds no public keys; accepted: a JWKS (RFC 7517), as jwks_uri of the issuer has it");
        return null;
    }

    private static FederationRuleConfig? Rule(ConfigNode item, FederationIssuerConfig[] issuers, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, ["name", "issuer", "audience", "subject", "claims", "service_account", "workspace", "lifetime", "once"]) is not { } map)
            return null;
        var name = reading.Text(map.Required("name", "a-z, 0-9 and '-'"));
        if (name is not null && (name.Value.Length is 0 or > 100 || !name.Value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
            reading.Error(name, $"{ConfigText.Quote(name.Value)} is no name of a rule; accepted: a-z, 0-9 and '-', at most 100 characters");
        var issuer = reading.Text(map.Required("issuer", string.Join(", ", issuers.Select(i => i.Name))));
        if (issuer is not null && !Array.Exists(issuers, i => i.Name == issuer.Value))
            reading.Error(issuer, $"there is no issuer {ConfigText.Quote(issuer.Value)}; accepted: {string.Join(", ", issuers.Select(i => i.Name))}{ConfigText.DidYouMean(issuer.Value, issuers.Select(i => i.Name))}");
        var audience = reading.Text(map.Required("audience", "the claim aud, which no other service should take: the address of this gateway"));
        var account = reading.Text(map.Required("service_account", "the name of the service account that the token acts as"));
        var subject = map.Text("subject");
        var claims = Claims(map.Get("claims"), reading);
        if (subject?.Value is "" or "*")
            reading.Error(subject, "matches everybody whom the issuer knows; accepted: a subject, or how it begins and '*'");
        // An issuer such as GitHub's signs for everybody there is.
        if (subject is null && claims.Count == 0 && !map.Mentions("subject"))
            reading.Error(map.Node, "matches everybody whom the issuer knows; accepted: subject, claims, or both");
        var lifetime = map.Get("lifetime") is { } given ? ManagementSection.Interval(given, reading) ?? Default : Default;
        if (lifetime > Longest)
            reading.Error(map.Get("lifetime")!, "accepted: 1m to 24h");
        var once = Vocabulary.Flag(map.Get("once"), reading, absent: true);
        return name is null || issuer is null || audience is null || account is null
            ? null
            : new FederationRuleConfig(name.Value, issuer.Value, audience.Value, subject?.Value, claims, account.Value, map.Text("workspace")?.Value, lifetime, once);
    }

    private static Dictionary<string, string> Claims(ConfigNode? node, ConfigReading reading)
    {
        var claims = new Dictionary<string, string>(StringComparer.Ordinal);
        if (node is not (null or MapNode))
            reading.Error(node, $"{node.Kind}; a mapping is accepted, from each claim to its value");
        foreach (var entry in (node as MapNode)?.Entries ?? [])
        {
            if (reading.Text(entry.Value) is { } text)
                claims[entry.Key] = text.Value;
        }
        return claims;
    }
}
