using Demarc.Governance.Identity;

namespace Demarc.Governance.Spend;

/// <summary>Whom a limit that is data is for.</summary>
public enum StoredScope
{
    User,
    Group,
    Organization,
    Key,

    /// <summary>Requests for a workspace, together.</summary>
    Workspace,

    /// <summary>Requests for a project, together.</summary>
    Project,

    /// <summary>What is spent at a resource, together.</summary>
    Resource,
}

/// <summary>A limit that is data: set by the API or the command line.</summary>
/// <param name="Id"><c>spl_…</c>.</param>
/// <param name="Target">The user, group, key, workspace or project by id, the resource by name; empty for the organization.</param>
/// <param name="GroupName">A group's name, which principals carry; null otherwise.</param>
/// <param name="AmountNano">Null for no limit: it lifts what would be inherited.</param>
/// <param name="Shared">One budget for all of the group or organization; else each person's own.</param>
public sealed record StoredLimit(
    string Id, StoredScope Scope, string Target, string? GroupName, LimitPeriod Period, long? AmountNano, LimitMode Mode, bool Shared, long CreatedAt, long UpdatedAt);

/// <summary>
/// Which limits that are data hold for a person. Each person's own resolve as the vendor's do, period by period: the
/// person's, else the lowest of the groups', else the organization's (Spend Limits API, "The spend limit hierarchy").
/// Shared budgets, and those of keys, workspaces, projects and resources, hold beside them.
/// </summary>
public static class StoredLimits
{
    public static IEnumerable<SpendLimit> For(StoredLimit[] limits, Principal principal)
    {
        foreach (var period in Enum.GetValues<LimitPeriod>())
        {
            if (Effective(limits, period, principal.Id, principal.Groups) is { AmountNano: { } amount } own)
                yield return new SpendLimit(own.Id, LimitScope.Person, period, amount, own.Mode);
        }
        foreach (var limit in limits)
        {
            if (Counts(limit, principal) && OneBudget(limit) is { } shared)
                yield return shared;
        }
    }

    /// <summary>A limit over one budget, as it counts; null for one that gives each person a budget of their own, and for one that is lifted.</summary>
    public static SpendLimit? OneBudget(StoredLimit limit)
    {
        if (limit.AmountNano is not { } amount)
            return null;
        return limit switch
        {
            { Scope: StoredScope.Key } => Of(LimitScope.Key),
            { Scope: StoredScope.Workspace } => Of(LimitScope.Pool) with { Pool = new LimitPool([], []) { Workspaces = [limit.Target] } },
            { Scope: StoredScope.Project } => Of(LimitScope.Pool) with { Pool = new LimitPool([], []) { Projects = [limit.Target] } },
            { Scope: StoredScope.Resource } => Of(LimitScope.Organization) with { Resource = limit.Target },
            { Shared: true, Scope: StoredScope.Organization } => Of(LimitScope.Organization),
            { Shared: true, GroupName: { } group } => Of(LimitScope.Pool) with { Pool = new LimitPool([group], []) },
            _ => null,
        };

        SpendLimit Of(LimitScope scope) => new(limit.Id, scope, limit.Period, amount, limit.Mode);
    }

    private static bool Counts(StoredLimit limit, Principal principal) => limit.Scope switch
    {
        StoredScope.Key => limit.Target == principal.KeyId,
        StoredScope.Workspace => limit.Target == principal.Workspace?.Id,
        StoredScope.Project => limit.Target == principal.Project?.Id,
        StoredScope.Group => principal.Groups.Contains(limit.GroupName),
        _ => true,
    };

    /// <summary>The limit a person has in a period; null for none. One with a null amount says so explicitly.</summary>
    public static StoredLimit? Effective(StoredLimit[] limits, LimitPeriod period, string principalId, string[] groups)
    {
        var here = limits.Where(l => l.Period == period && !l.Shared).ToArray();
        return Array.Find(here, l => l.Scope == StoredScope.User && l.Target == principalId)
            ?? here.Where(l => l.Scope == StoredScope.Group && groups.Contains(l.GroupName)).MinBy(l => l.AmountNano ?? long.MaxValue)
            ?? Array.Find(here, l => l.Scope == StoredScope.Organization);
    }
}
