using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>A person on the wire of the Spend Limits API.</summary>
public sealed record UserActor(string Type, string UserId, string? Name, string? EmailAddress, bool Deleted)
{
    public static UserActor Of(string id, User? user) => new("user_actor", id, user?.Name, user?.Email, user is null);
}

/// <summary>One person's limit of one period, where it comes from, and what was spent of it (List Effective Spend Limits).</summary>
/// <param name="Actor">Null for a budget that is nobody's own: Demarc's own.</param>
/// <param name="Amount">Cents; null for no limit.</param>
public sealed record EffectiveLimit(
    Dictionary<string, string> Scope, UserActor? Actor, string? Amount, string Currency, string Period, Dictionary<string, string> Source, string? SpendLimitId, string PeriodToDateSpend)
{
    /// <summary>Names of the groups of the person, by which limits are found (the Claude apps gateway's own).</summary>
    public string[] Groups { get; init; } = [];

    public static async Task<EffectiveLimit> OfAsync(Store store, string organizationId, string principalId, User? user, LimitPeriod period, StoredLimit? limit, string[] groups)
    {
        var spent = await store.Budgets.SettledAsync(new Meter(organizationId, LimitScope.Person, principalId, null, null, SpendPeriod.Of(period, store.Time.GetUtcNow())));
        return Of(principalId, user, period, limit, spent) with { Groups = groups };
    }

    /// <param name="spent">Nano-dollars, of the period so far.</param>
    public static EffectiveLimit Of(string principalId, User? user, LimitPeriod period, StoredLimit? limit, long spent) => new(
            SpendLimitScope.Of(StoredScope.User, principalId), UserActor.Of(principalId, user), limit?.AmountNano is { } nano ? SpendAmount.Cents(nano) : null, "USD", period.Wire(),
            limit is null ? SpendLimitScope.Of(StoredScope.Organization, "") : SpendLimitScope.Of(limit.Scope, limit.Target), limit?.Id, SpendAmount.Cents(spent));

    /// <summary>The same, where the configuration holds the person to less; its source then has <c>configuration</c>, the limit's place: Demarc's own.</summary>
    /// <param name="limitNano">What <see cref="Amount"/> is, nano-dollars.</param>
    public EffectiveLimit HeldBy(IEnumerable<SpendLimit> configured, long? limitNano)
    {
        if (configured.MinBy(l => l.AmountNano) is not { } held || (limitNano is { } own && own <= held.AmountNano))
            return this;
        var source = SpendLimitScope.Of(StoredScope.Organization, "");
        source["configuration"] = held.Place;
        return this with { Amount = SpendAmount.Cents(held.AmountNano), Source = source, SpendLimitId = null };
    }

    /// <summary>The same of a limit over one budget.</summary>
    /// <param name="budget">As <see cref="StoredLimits.OneBudget"/> has it.</param>
    public static async Task<EffectiveLimit> OfAsync(Store store, string organizationId, StoredLimit limit, SpendLimit budget)
    {
        var subject = budget.Scope == LimitScope.Key ? limit.Target : null;
        var spent = await store.Budgets.SettledAsync(
            new Meter(organizationId, budget.Scope, subject, budget.Pool, budget.Resource, SpendPeriod.Of(limit.Period, store.Time.GetUtcNow())));
        var scope = SpendLimitScope.Of(limit.Scope, limit.Target);
        return new(scope, null, SpendAmount.Cents(budget.AmountNano), "USD", limit.Period.Wire(), scope, limit.Id, SpendAmount.Cents(spent));
    }
}
