using Demarc.Governance.Identity;
using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>How a directory provisions people and groups (SCIM 2.0).</summary>
/// <param name="Tokens">Any of which holds: two while one is rotated.</param>
/// <param name="Listen">Where it answers alone; empty for where administration does.</param>
/// <param name="PublicUrl">The address that the directory uses, in <c>meta.location</c>; null for the one it asked at.</param>
/// <param name="Role">Of people whom it makes. Default <c>developer</c>.</param>
/// <param name="Network">Where it may ask from; null for <c>network_rules</c> of the whole.</param>
public sealed record ScimConfig(Secret[] Tokens, ListenConfig[] Listen, Uri? PublicUrl, string Role, [property: System.Text.Json.Serialization.JsonIgnore] NetworkRules? Network);

/// <summary>The key <c>scim</c>.</summary>
internal static class ScimSection
{
    private const int LeastToken = 32;

    private static readonly string[] Roles = ["developer", "user", "claude_code_user"];

    public static ScimConfig? Read(ConfigNode? node, ListenConfig[] taken, bool tls, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["tokens", "listen", "public_url", "role", "network_rules"], hideUnknown: true) is not { } map)
            return null;
        var tokens = new List<Secret>();
        foreach (var item in reading.Items(map.Required("tokens", $"a list of {SecretReference.Accepted}")))
        {
            if (reading.Raw(item) is not { } text || SecretReference.Read(text, reading) is not { } token)
                continue;
            if (token.Reveal().Length < LeastToken || token.Reveal().Any(c => c is <= ' ' or > '~'))
                reading.Error(item, $"too short, or not all visible ASCII; accepted: at least {LeastToken} characters, for example of openssl rand -hex 32");
            tokens.Add(token);
        }
        if (map.Get("tokens") is ListNode { Items.Count: 0 } none)
            reading.Error(none, "an empty list lets no directory in; accepted: at least one token, or leave scim out");
        var role = map.Text("role");
        if (role is not null && !Roles.Contains(role.Value))
            reading.Error(role, $"{ConfigText.Quote(role.Value)} is no role for people whom a directory makes; accepted: {string.Join(", ", Roles)}");
        return new ScimConfig(
            [.. tokens], ServerSection.ApartListen(map.Get("listen"), taken, tls, reading), UrlRules.Read(map.Text("public_url"), reading), role?.Value ?? Roles[0],
            map.Get("network_rules") is { } network ? NetworkSection.Read(network, reading) : null);
    }
}
