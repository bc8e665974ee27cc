using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Identity.Roles;

/// <summary>How far a role reaches.</summary>
public enum ScopeKind
{
    Organization,
    Workspace,
    Resource,
    Deployment,
}

/// <summary>Where a role holds.</summary>
/// <param name="Name">A workspace's id, or its name where the configuration says so; a resource; <c>resource/deployment</c>; empty for the organization.</param>
public readonly record struct RoleScope(ScopeKind Kind, string Name)
{
    public static readonly RoleScope Organization = new(ScopeKind.Organization, "");

    /// <summary><c>organization</c>, <c>workspace</c>, <c>resource</c> or <c>deployment</c>.</summary>
    public static string Wire(ScopeKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>One that was kept: <see cref="Wire"/> and name.</summary>
    /// <exception cref="FormatException">There is no such kind here: it is never taken for another, which would be wider.</exception>
    public static RoleScope Of(string kind, string name) => TryParse(kind, out var parsed) ? new(parsed, name) : throw new FormatException($"There is no scope {kind}.");

    public static bool TryParse(string kind, out ScopeKind parsed) => Enum.TryParse(kind, ignoreCase: true, out parsed) && Wire(parsed) == kind;

    /// <summary>What of a role's permissions can hold at such a scope.</summary>
    public Permission Applicable => Kind switch
    {
        ScopeKind.Organization => (Permission)~0L,
        ScopeKind.Workspace => Permissions.OfWorkspace,
        _ => Permission.ModelsAsk,
    };

    public bool Covers(WorkspaceSnapshot? workspace) =>
        Kind == ScopeKind.Organization || (Kind == ScopeKind.Workspace && workspace is not null && (Name == workspace.Id || Name == workspace.Name));

    public bool Covers(DeploymentSnapshot deployment, WorkspaceSnapshot? workspace) => Kind switch
    {
        ScopeKind.Resource => Name == deployment.Resource.Name,
        ScopeKind.Deployment => Name == deployment.FullName,
        _ => Covers(workspace),
    };

    public override string ToString() => Kind == ScopeKind.Organization ? "organization" : $"{Wire(Kind)} {Name}";
}
