using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Roles;

/// <summary>Which roles can be given where, and by whom.</summary>
public static class RoleRules
{
    /// <summary>How long an elevation lasts at most.</summary>
    public static readonly TimeSpan LongestElevation = TimeSpan.FromHours(24);

    public static readonly TimeSpan DefaultElevation = TimeSpan.FromHours(1);

    private const int MostReason = 500;

    /// <summary>Why there is no such role; null when there is.</summary>
    public static string? RoleProblem(GatewaySnapshot snapshot, string role) =>
        snapshot.Roles.Find(role) is not null ? null : $"there is no such role. Give one of {string.Join(", ", snapshot.Roles.Roles.Select(r => r.Name))}.";

    /// <summary>Why a role cannot hold there; null when it can. Workspaces are looked up by whoever asks.</summary>
    public static string? ScopeProblem(GatewaySnapshot snapshot, string role, RoleScope scope)
    {
        var deployments = snapshot.Resources.SelectMany(r => r.Deployments);
        if (scope.Kind == ScopeKind.Resource && !Array.Exists(snapshot.Resources, r => r.Name == scope.Name))
            return $"there is no resource of this name. There are: {string.Join(", ", snapshot.Resources.Select(r => r.Name))}.";
        if (scope.Kind == ScopeKind.Deployment && deployments.All(d => d.FullName != scope.Name))
            return $"there is no such deployment. There are: {string.Join(", ", deployments.Select(d => d.FullName))}.";
        return snapshot.Roles.Find(role) is { } found && (found.Permissions & scope.Applicable) == Permission.None
            ? $"the role {role} has nothing that holds at a {RoleScope.Wire(scope.Kind)}. Leave the scope out, or give a role with {string.Join(", ", Permissions.NamesOf(scope.Applicable))}."
            : null;
    }

    /// <summary>Why a reason cannot be taken; null when it can.</summary>
    public static string? ReasonProblem(string reason) =>
        string.IsNullOrWhiteSpace(reason) ? "say what the role is needed for."
        : reason.Length > MostReason || reason.Any(char.IsControl) ? $"give at most {MostReason} visible characters."
        : null;

    /// <summary>
    /// Why somebody cannot give or take a role; null when they can. Nobody raises themselves, alone or through a group that
    /// they are in; nobody gives away more than they have; and only owners change what owners have.
    /// </summary>
    /// <param name="raises">Whether the member has more afterwards: a role is given, or a denial is taken away.</param>
    public static async Task<string?> GiverProblemAsync(Store store, Principal giver, Role role, bool raises, string memberType, string memberId)
    {
        var members = memberType == "group" ? await store.Groups.MembersAsync(giver.OrganizationId, memberId) : [memberId];
        if (raises && members.Contains(giver.Id))
            return "Nobody raises their own roles, alone or through a group that they are in: ask another administrator, or for a role for a time (demarc role request).";
        if (!giver.Access.MayGive(role))
            return $"Nobody gives or takes a role that permits more than their own: {role.Name} takes an administrator{((role.Permissions & Permission.OwnersManage) != 0 ? " who is an owner" : "")}.";
        if ((giver.Access.Organization & Permission.OwnersManage) != 0)
            return null;
        var owners = (await store.Principals.MembersAsync(giver.OrganizationId, members)).Where(m => m.Access.Allows(Permission.OwnersManage));
        return owners.Any() ? "Only an owner changes what owners may." : null;
    }
}
