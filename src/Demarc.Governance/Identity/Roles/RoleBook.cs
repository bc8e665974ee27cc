namespace Demarc.Governance.Identity.Roles;

/// <summary>A role given to people, service accounts or groups by the configuration.</summary>
/// <param name="Users">Addresses or ids.</param>
/// <param name="ServiceAccounts">Names or ids.</param>
/// <param name="Place"><c>file:line</c>.</param>
public sealed record ConfiguredAssignment(Role Role, RoleScope Scope, bool Deny, string[] Users, string[] Groups, string[] ServiceAccounts, string Place);

/// <summary>The roles there are, and what the configuration gives to whom.</summary>
public sealed class RoleBook
{
    /// <summary>The built-in roles alone.</summary>
    public static readonly RoleBook BuiltIn = new([], []);

    public RoleBook(Role[] custom, ConfiguredAssignment[] assignments) => (Roles, Assignments) = ([.. BuiltInRoles.All, .. custom], assignments);

    public Role[] Roles { get; }

    public ConfiguredAssignment[] Assignments { get; }

    public Role? Find(string name) => Array.Find(Roles, r => r.Name == name);

    /// <summary>What the configuration gives to a principal.</summary>
    public IEnumerable<Grant> For(string type, string id, string? email, string? name, string[] groups) =>
        Assignments.Where(a => Array.Exists(a.Groups, g => groups.Contains(g)) || (type == "user"
                ? Array.Exists(a.Users, u => u == id || string.Equals(u, email, StringComparison.OrdinalIgnoreCase))
                : Array.Exists(a.ServiceAccounts, s => s == id || s == name)))
            .Select(a => new Grant(a.Role.Name, a.Role.Permissions, a.Scope, a.Deny, a.Place));

    /// <summary>A role of the directory or of a key; nothing where it permits nothing, or there is none of that name.</summary>
    public IEnumerable<Grant> Whole(string? role, string by) =>
        role is not null && Find(role) is { Permissions: not Permission.None } found ? [new Grant(found.Name, found.Permissions, RoleScope.Organization, false, by)] : [];
}
