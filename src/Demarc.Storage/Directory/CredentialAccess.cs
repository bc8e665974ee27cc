using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Storage.Directory;

/// <summary>What a credential lets its principal do.</summary>
internal static class CredentialAccess
{
    private const Permission Asking = Permission.ModelsAsk | Permission.MeRead;

    // A compliance key reads the Compliance API, and administers nothing: reviews and holds are for people.
    private const Permission Reading = Permission.ActivitiesRead | Permission.LogRead | Permission.TranscriptsRead | Permission.OrganizationData | Permission.MetricsRead;

    /// <summary>
    /// A token: all that its principal may. An inference key: to ask models, as whoever made it wanted, unless the principal is
    /// managed and has only what is assigned. An admin or compliance key: its role. What is denied to the principal is
    /// denied to all of its credentials.
    /// </summary>
    public static Access Of(PresentedKey presented, KeyRow row, string[] groups, RoleBook roles)
    {
        var assigned = MemberRoles.Read(row.Roles, roles).Concat(roles.For(row.PrincipalType, row.PrincipalId, row.Email, row.Name, groups));
        var (own, bound) = presented switch
        {
            { Hash: null } => (roles.Whole(row.Role, "directory").Concat((presented.Foreign?.Roles ?? []).SelectMany(r => roles.Whole(r, "token"))), (Permission?)null),
            { Kind: ApiKeyKind.Admin } => (roles.Whole(BuiltInRoles.Admin.Name, row.Id), BuiltInRoles.Admin.Permissions & ~Asking),
            { Kind: ApiKeyKind.Compliance } => (roles.Whole(BuiltInRoles.Reviewer.Name, row.Id), Reading),
            _ => (row.Role == BuiltInRoles.Managed ? [] : roles.Whole(BuiltInRoles.Developer.Name, row.Id), Asking),
        };
        return new Access([.. own, .. assigned], bound);
    }
}
