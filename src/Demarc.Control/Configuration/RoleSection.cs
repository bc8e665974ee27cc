using Demarc.Governance.Identity.Roles;

namespace Demarc.Control.Configuration;

/// <summary>The keys <c>roles</c> and <c>approvals</c>.</summary>
internal static class RoleSection
{
    /// <summary>What <c>approvals</c> can name.</summary>
    public static readonly string[] Changes = ["aliases", "erasures", "limits", "roles"];

    private static readonly string[] Scopes = ["workspace", "resource", "deployment"];
    private static readonly string[] Members = ["users", "groups", "service_accounts"];

    /// <param name="file">The file as it was asked for.</param>
    /// <param name="deployments">Every <c>resource/deployment</c>.</param>
    public static RoleBook Read(ConfigNode? node, string file, string[] resources, IReadOnlySet<string> deployments, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["custom", "assignments"]) is not { } map)
            return RoleBook.BuiltIn;
        var custom = Custom(map.Get("custom"), file, reading);
        var roles = new RoleBook(custom, []);
        var assignments = new List<ConfiguredAssignment>();
        foreach (var item in reading.Items(map.Get("assignments")))
        {
            if (Assignment(item, file, roles, resources, deployments, reading) is { } assignment)
                assignments.Add(assignment);
        }
        return new RoleBook(custom, [.. assignments]);
    }

    public static string[] Approvals(ConfigNode? node, ConfigReading reading)
    {
        var named = reading.Texts(node);
        foreach (var change in named.Where(c => !Changes.Contains(c.Value)))
            reading.Error(change, $"{ConfigText.Quote(change.Value)} is no kind of change; accepted: {string.Join(", ", Changes)}{ConfigText.DidYouMean(change.Value, Changes)}");
        return [.. named.Select(c => c.Value).Distinct()];
    }

    private static Role[] Custom(ConfigNode? node, string file, ConfigReading reading)
    {
        if (node is null)
            return [];
        if (node is not MapNode map)
        {
            reading.Error(node, $"{node.Kind}; a mapping is accepted, from each role's name to a list of permissions");
            return [];
        }
        var roles = new List<Role>();
        foreach (var entry in map.Entries)
        {
            if (entry.Key.Length is 0 or > 64 || !entry.Key.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-'))
                reading.Error(entry.Path, entry.Line, entry.Column, $"{ConfigText.Quote(entry.Key)} is no name of a role; accepted: a-z, 0-9, '_' and '-', at most 64 characters");
            if (RoleBook.BuiltIn.Find(entry.Key) is not null)
                reading.Error(entry.Path, entry.Line, entry.Column, $"{ConfigText.Quote(entry.Key)} is built in; accepted: a name of its own");
            var set = Permission.None;
            foreach (var text in reading.Texts(entry.Value))
            {
                if (Permissions.TryParse(text.Value, out var permission))
                    set |= permission;
                else
                    reading.Error(text, $"there is no permission {ConfigText.Quote(text.Value)}; accepted: {string.Join(", ", Permissions.Names)}{ConfigText.DidYouMean(text.Value, Permissions.Names)}");
            }
            if (entry.Value is ListNode { Items.Count: 0 } or TextNode { IsNull: true })
                reading.Error(entry.Path, entry.Line, entry.Column, "the role permits nothing; accepted: a list of permissions");
            roles.Add(new Role(entry.Key, set, "Custom.", $"{file}:{entry.Line}"));
        }
        return [.. roles];
    }

    private static ConfiguredAssignment? Assignment(ConfigNode item, string file, RoleBook roles, string[] resources, IReadOnlySet<string> deployments, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, ["role", "deny", .. Members, .. Scopes]) is not { } map)
            return null;
        var name = reading.Text(map.Required("role", string.Join(", ", roles.Roles.Select(r => r.Name))));
        var role = name is null ? null : roles.Find(name.Value);
        if (name is not null && role is null)
            reading.Error(name, $"there is no role {ConfigText.Quote(name.Value)}; accepted: {string.Join(", ", roles.Roles.Select(r => r.Name))}{ConfigText.DidYouMean(name.Value, roles.Roles.Select(r => r.Name))}");
        var members = Members.ToDictionary(m => m, m => reading.Texts(map.Get(m)).Select(t => t.Value).Distinct().ToArray());
        if (members.Values.All(m => m.Length == 0))
            reading.Error(item, $"gives the role to nobody; accepted: at least one of {string.Join(", ", Members)}");
        var scope = Scope(map, resources, deployments, reading);
        if (role is not null && (role.Permissions & scope.Applicable) == Permission.None)
            reading.Error(item, $"the role {role.Name} has nothing that holds at a {RoleScope.Wire(scope.Kind)}; accepted: roles with {string.Join(", ", Permissions.NamesOf(scope.Applicable))}, or no scope");
        return role is null ? null : new ConfiguredAssignment(role, scope, Vocabulary.Flag(map.Get("deny"), reading), members["users"], members["groups"], members["service_accounts"], $"{file}:{item.Line}");
    }

    private static RoleScope Scope(MapReader map, string[] resources, IReadOnlySet<string> deployments, ConfigReading reading)
    {
        var given = Scopes.Where(s => map.Get(s) is not null).ToArray();
        if (given.Length > 1)
            reading.Error(map.Node, $"names {string.Join(" and ", given)}; accepted: one of {string.Join(", ", Scopes)}, or none for the whole organization");
        if (given.Length == 0 || map.Text(given[0]) is not { } name)
            return RoleScope.Organization;
        _ = RoleScope.TryParse(given[0], out var kind);
        var known = kind switch { ScopeKind.Resource => resources, ScopeKind.Deployment => [.. deployments], _ => null };
        if (known is not null && !known.Contains(name.Value))
            reading.Error(name, $"no {given[0]} {ConfigText.Quote(name.Value)} is configured{ConfigText.DidYouMean(name.Value, known)}");
        return new RoleScope(kind, name.Value);
    }
}
