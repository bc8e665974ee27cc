using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Identity.Roles;

/// <summary>A role in force for one principal.</summary>
/// <param name="Deny">Takes away, whatever else permits.</param>
/// <param name="By">What says so: an assignment's id, <c>file:line</c>, <c>directory</c> or a key's id.</param>
/// <param name="Until">When it ends; null for never.</param>
public sealed record Grant(string Role, Permission Permissions, RoleScope Scope, bool Deny, string By, DateTimeOffset? Until = null)
{
    /// <summary>What it gives or takes where it holds.</summary>
    public Permission Effective => Permissions & Scope.Applicable;
}

/// <summary>What one principal may do: what some grant permits and no grant denies. Immutable; worked out when the directory is read.</summary>
public sealed class Access
{
    /// <summary>The role <c>developer</c> and nothing else.</summary>
    public static readonly Access Developer = new([new Grant(BuiltInRoles.Developer.Name, BuiltInRoles.Developer.Permissions, RoleScope.Organization, false, "directory")]);

    public static readonly Access None = new([]);

    private readonly Grant[] _asking;

    /// <param name="atMost">What the credential can be used for, whatever its principal may; null for no bound.</param>
    public Access(Grant[] grants, Permission? atMost = null)
    {
        Grants = atMost is { } bound ? Array.ConvertAll(grants, g => g.Deny ? g : g with { Permissions = g.Permissions & bound }) : grants;
        Organization = Of(Array.FindAll(Grants, g => g.Scope.Kind == ScopeKind.Organization));
        _asking = Array.FindAll(Grants, g => (g.Effective & Permission.ModelsAsk) != 0);
        AsksEverywhere = (Organization & Permission.ModelsAsk) != 0 && !Array.Exists(_asking, g => g.Deny);
        AsksSomewhere = AsksEverywhere || (Array.Exists(_asking, g => !g.Deny) && !Array.Exists(_asking, g => g.Deny && g.Scope.Kind == ScopeKind.Organization));
        Rules = AsksEverywhere ? "" : string.Join(';', _asking.Select(g => $"{(g.Deny ? '-' : '+')}{g.Scope}").Order(StringComparer.Ordinal));
        NextEnd = Grants.Min(g => g.Until);
    }

    public Grant[] Grants { get; }

    /// <summary>What holds in the whole organization.</summary>
    public Permission Organization { get; }

    /// <summary>Whether every deployment may be asked, as for nearly everybody.</summary>
    public bool AsksEverywhere { get; }

    /// <summary>Whether some deployment may be asked, in some workspace.</summary>
    public bool AsksSomewhere { get; }

    /// <summary>Whether some rule is about a deployment rather than all of a resource.</summary>
    public bool NamesDeployments => Array.Exists(_asking, g => g.Scope.Kind == ScopeKind.Deployment);

    /// <summary>Where models may be asked, in one line that is the same for the same rules; empty for everywhere.</summary>
    public string Rules { get; }

    /// <summary>When the first of the grants ends; null for none that does.</summary>
    public DateTimeOffset? NextEnd { get; }

    /// <summary>Whether all of these are permitted in the organization, or in that workspace.</summary>
    public bool Allows(Permission needed, WorkspaceSnapshot? workspace = null) =>
        (Organization & needed) == needed || (workspace is not null && (Of(Array.FindAll(Grants, g => g.Scope.Covers(workspace))) & needed) == needed);

    public bool MayAsk(DeploymentSnapshot deployment, WorkspaceSnapshot? workspace) =>
        AsksEverywhere || (Of(Array.FindAll(_asking, g => g.Scope.Covers(deployment, workspace))) & Permission.ModelsAsk) != Permission.None;

    /// <summary>Whether it may hand a role to others: nobody gives away more than they have, but that administrators give content to those who are none.</summary>
    public bool MayGive(Role role)
    {
        const Permission own = Permission.ModelsAsk | Permission.MeRead;
        var has = Organization;
        var administers = BuiltInRoles.Admin.Permissions & ~own;
        if ((has & administers) == administers)
            has |= Permissions.OfContent | own;
        return (has & Permission.RolesManage) != 0 && (role.Permissions & ~has) == 0;
    }

    /// <summary>Whether somewhere models could be asked with the other and can no longer with this one.</summary>
    public bool AsksLessThan(Access before) =>
        !AsksEverywhere && (before.AsksEverywhere || Rules != before.Rules);

    // Deny wins.
    private static Permission Of(Grant[] grants)
    {
        Permission allowed = Permission.None, denied = Permission.None;
        foreach (var grant in grants)
        {
            if (grant.Deny)
                denied |= grant.Effective;
            else
                allowed |= grant.Effective;
        }
        return allowed & ~denied;
    }
}
