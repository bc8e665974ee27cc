using Demarc.Governance.Identity.Roles;

namespace Demarc.Control.Configuration;

/// <summary>A tenant of Entra ID whose access tokens are credentials.</summary>
/// <param name="TenantId">A GUID, in lower case.</param>
/// <param name="Authority">Default <c>https://login.microsoftonline.com</c>.</param>
/// <param name="Audiences">Default those of Azure's AI services.</param>
/// <param name="AppRoles">From an app role's value to a role.</param>
/// <param name="Groups">From a group's object id to the name that policies and roles have; others keep their id.</param>
/// <param name="MakesPeople">Whether who is not in the directory is made; else refused.</param>
/// <param name="ServiceAccounts">From the id of an application, or the object id of its principal, to a service account's name.</param>
public sealed record EntraConfig(
    string TenantId, Uri Authority, string[] Audiences, IReadOnlyDictionary<string, string> AppRoles, IReadOnlyDictionary<string, string> Groups, bool MakesPeople,
    IReadOnlyDictionary<string, string> ServiceAccounts);

/// <summary>The key <c>entra</c>.</summary>
internal static class EntraSection
{
    public static readonly Uri PublicAuthority = new("https://login.microsoftonline.com");

    // Claude in Microsoft Foundry, "Microsoft Entra authentication"; with and without the slash that version 1 tokens may have.
    private static readonly string[] Audiences = ["https://cognitiveservices.azure.com", "https://ai.azure.com"];

    public static EntraConfig[] Read(ConfigNode? node, RoleBook roles, ConfigReading reading)
    {
        var tenants = new List<EntraConfig>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, ["tenant", "authority", "audiences", "app_roles", "groups", "people", "service_accounts"]) is not { } map)
                continue;
            var tenant = reading.Text(map.Required("tenant", "the id of the tenant, a GUID"));
            if (tenant is not null && !Guid.TryParseExact(tenant.Value, "D", out _))
                reading.Error(tenant, $"{ConfigText.Quote(tenant.Value)} is no id of a tenant; accepted: a GUID, such as 00000000-0000-0000-0000-000000000000");
            var appRoles = Names(map.Get("app_roles"), reading);
            foreach (var (value, role) in appRoles.Where(r => roles.Find(r.Value) is null))
                reading.Error(map.Get("app_roles")!, $"the app role {ConfigText.Quote(value)} names {ConfigText.Quote(role)}, and there is no such role; accepted: {string.Join(", ", roles.Roles.Select(r => r.Name))}");
            var people = map.Text("people");
            if (people is not (null or { Value: "match" or "create" }))
                reading.Error(people, $"{ConfigText.Quote(people.Value)}; accepted: match, create");
            var audiences = reading.Texts(map.Get("audiences")).Select(a => a.Value).ToArray();
            if (tenant is not null && tenants.Exists(t => string.Equals(t.TenantId, tenant.Value, StringComparison.OrdinalIgnoreCase)))
                reading.Error(tenant, "this tenant stands here already; accepted: each once");
            tenants.Add(new EntraConfig(
                tenant?.Value.ToLowerInvariant() ?? "", UrlRules.Read(map.Text("authority"), reading) ?? PublicAuthority,
                [.. (audiences.Length == 0 ? Audiences : audiences).SelectMany(a => (string[])[a.TrimEnd('/'), a.TrimEnd('/') + "/"]).Distinct()],
                appRoles, Names(map.Get("groups"), reading), people?.Value == "create", Names(map.Get("service_accounts"), reading)));
        }
        return [.. tenants];
    }

    private static Dictionary<string, string> Names(ConfigNode? node, ConfigReading reading)
    {
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (node is not (null or MapNode))
            reading.Error(node, $"{node.Kind}; a mapping is accepted, from each id to a name");
        foreach (var entry in (node as MapNode)?.Entries ?? [])
        {
            if (reading.Text(entry.Value) is { } text && !names.TryAdd(entry.Key, text.Value))
                reading.Error(text, $"{ConfigText.Quote(entry.Key)} stands here already; accepted: each once");
        }
        return names;
    }
}
