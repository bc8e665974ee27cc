using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>A person's own limits that the configuration has: they hold beside the one that is data.</summary>
internal static class ConfiguredLimits
{
    /// <param name="user">Null for a service account.</param>
    public static IEnumerable<SpendLimit> Of(GatewaySnapshot snapshot, string organizationId, string principalId, User? user, string[] groups, LimitPeriod period)
    {
        var person = new Principal
        {
            OrganizationId = organizationId,
            Type = user is null ? "service_account" : "user",
            Id = principalId,
            Email = user?.Email,
            Name = user?.Name ?? "",
            Groups = groups,
            KeyId = "",
            KeyKind = ApiKeyKind.Inference,
        };
        return snapshot.Policies.Where(p => p.Matches(person)).SelectMany(p => p.Limits)
            .Where(l => l.Scope == LimitScope.Person && l.Period == period && l.Mode != LimitMode.Audit);
    }
}
