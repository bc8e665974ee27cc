using Demarc.Governance.Spend;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>
/// Whom a limit is for, on the wire: the vendor's <c>user</c>, <c>rbac_group</c> and <c>organization</c>, and Demarc's own
/// <c>api_key</c>, <c>workspace</c>, <c>project</c> and <c>resource</c>, each with its id (a resource's is its name).
/// </summary>
public static class SpendLimitScope
{
    public static Dictionary<string, string> Of(StoredScope scope, string target)
    {
        var type = SpendLimits.Wire(scope);
        var json = new Dictionary<string, string> { ["type"] = type };
        if (scope != StoredScope.Organization)
            json[type + "_id"] = target;
        return json;
    }

    /// <summary>Why a <c>scope_type</c> is none; null for one, and for none given.</summary>
    public static AdminAnswer? Problem(string? type) =>
        type is null || SpendLimits.ScopeNames.Contains(type) ? null : AdminAnswer.Invalid("scope_type", $"give one of {string.Join(", ", SpendLimits.ScopeNames)}.");
}

/// <summary>A configured limit on the wire (Spend Limits API, "Set a per-user override").</summary>
/// <param name="Amount">Cents; null for no limit.</param>
/// <param name="Mode"><c>soft</c>, <c>hard</c> or <c>audit</c>: Demarc's own.</param>
/// <param name="Shared">One budget for all of the scope rather than one for each person: Demarc's own.</param>
public sealed record SpendLimitObject(
    string Type, string Id, string CreatedAt, string UpdatedAt, Dictionary<string, string> Scope, string? Amount, string Currency, string Period, string Mode, bool Shared)
{
    public static SpendLimitObject Of(StoredLimit limit) => new(
        "spend_limit", limit.Id, Rfc3339.Text(limit.CreatedAt), Rfc3339.Text(limit.UpdatedAt), SpendLimitScope.Of(limit.Scope, limit.Target),
        limit.AmountNano is { } nano ? SpendAmount.Cents(nano) : null, "USD", limit.Period.Wire(), limit.Mode.Wire(), limit.Shared);
}
