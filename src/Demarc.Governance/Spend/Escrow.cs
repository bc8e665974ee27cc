using System.Collections.Concurrent;

namespace Demarc.Governance.Spend;

/// <summary>Why an amount could not be reserved.</summary>
public enum ShortageKind
{
    /// <summary>What is left of the limit is not enough, whoever else ends.</summary>
    Reached,

    /// <summary>Requests under way hold what is left, and did not end in time.</summary>
    Held,

    /// <summary>The store could not be asked.</summary>
    Unavailable,
}

/// <summary>What was in the way of a reservation.</summary>
/// <param name="Limit">Of several, the one that starts anew last.</param>
/// <param name="LeftNano">What could be reserved at most.</param>
public sealed record Shortage(ShortageKind Kind, AppliedLimit Limit, Meter Meter, long LeftNano, Exception? Reason = null);

/// <summary>
/// Hard limits without a round trip: leases of budgets, spent in memory. Nothing is refused before the store was asked,
/// other replicas were recalled, and others' holds were waited for.
/// </summary>
public sealed class Escrow(ISpendReservations store, TimeProvider time)
{
    /// <summary>How long a request waits for others' holds.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan FollowEvery = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<(string Organization, string Meter), Budget> _budgets = new();

    /// <summary>The limits that count a request at any of these resources, and nothing held yet.</summary>
    public async ValueTask<SpendHold> OpenAsync(AppliedLimits limits, DateTimeOffset now, Func<AppliedLimit, bool> counts)
    {
        var views = new List<LimitView>(limits.All.Length);
        var claims = new List<Claim>(limits.All.Length);
        foreach (var limit in limits.All)
        {
            if (!counts(limit))
                continue;
            var budget = BudgetOf(limit.MeterAt(now));
            views.Add(new LimitView(limit, budget));
            var at = claims.FindIndex(c => c.Budget == budget);
            if (!limit.IsHard)
                await LoadAsync(budget).ConfigureAwait(false);
            else if (at < 0)
                claims.Add(new Claim(budget, limit.Limit.AmountNano));
            else
                claims[at] = new Claim(budget, Math.Min(claims[at].Cap, limit.Limit.AmountNano));
        }
        return new SpendHold(this, [.. views], [.. claims]);
    }

    /// <summary>Where a principal's limits stand.</summary>
    public async ValueTask<LimitView[]> ViewAsync(AppliedLimits limits, DateTimeOffset now)
    {
        var views = new LimitView[limits.All.Length];
        for (var i = 0; i < views.Length; i++)
        {
            views[i] = new LimitView(limits.All[i], BudgetOf(limits.All[i].MeterAt(now)));
            await LoadAsync(views[i].Budget).ConfigureAwait(false);
        }
        return views;
    }

    /// <summary>Follows the store's word on this replica's leases until stopped, then gives back what is not reserved.</summary>
    /// <param name="failed">Told of a store that cannot be asked; it is asked again.</param>
    public async Task RunAsync(Action<Exception> failed, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await FollowAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                failed(e);
            }
            await Task.Delay(FollowEvery, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        foreach (var budget in _budgets.Values)
            await GiveBackAsync(budget).ConfigureAwait(false);
    }

    internal async Task FollowAsync()
    {
        var now = time.GetUtcNow();
        foreach (var (key, budget) in _budgets)
        {
            if (!budget.Meter.Period.Contains(now) && !budget.IsHeld)
                _budgets.TryRemove(key, out _);
            else if (budget.IsStale && !budget.HasLease)
                budget.Loaded(await store.SettledAsync(budget.Meter).ConfigureAwait(false));
        }
        // Those of before the question: a lease that comes meanwhile is not in its answer.
        var leased = _budgets.Where(b => b.Value.HasLease).ToArray();
        if (leased.Length == 0)
            return;
        var asked = time.GetTimestamp();
        var leases = (await store.LeasesAsync().ConfigureAwait(false)).ToDictionary(l => (l.OrganizationId, l.MeterId));
        foreach (var (key, budget) in leased)
        {
            if (!leases.TryGetValue(key, out var lease))
            {
                budget.Lose();
                _budgets.TryRemove(key, out _);
                continue;
            }
            budget.Confirm(lease.Settled, asked);
            if (lease.Recalled)
                await GiveBackAsync(budget).ConfigureAwait(false);
        }
    }

    /// <summary>Takes an amount of every budget, or of none.</summary>
    internal static bool TryTake(Claim[] claims, long nano, long most, bool patient) => FirstShort(claims, nano, most, patient) < 0;

    internal async ValueTask<Shortage?> TakeAsync(SpendHold hold, Claim[] claims, long nano, long most, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        while (FirstShort(claims, nano, most, time.GetElapsedTime(started) < Patience) is var at && at >= 0)
        {
            try
            {
                if (await MakeRoomAsync(claims[at], nano, hold.Amount + nano, most, started, stop).ConfigureAwait(false) is { } kind)
                    return Explain(hold, claims, hold.Amount + nano, claims[at], kind, null);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                return Explain(hold, claims, hold.Amount + nano, claims[at], ShortageKind.Unavailable, e);
            }
        }
        return null;
    }

    private static int FirstShort(Claim[] claims, long nano, long most, bool patient)
    {
        for (var i = 0; i < claims.Length; i++)
        {
            if (claims[i].Budget.TryTake(nano, claims[i].Cap, most, patient))
                continue;
            for (var taken = i - 1; taken >= 0; taken--)
            {
                if (most > 0)
                    claims[taken].Budget.Release(nano, most, 0);
                else
                    claims[taken].Budget.Lower(nano);
            }
            return i;
        }
        return -1;
    }

    // Null when it is worth trying again. total is what the request then holds of the budget.
    private async ValueTask<ShortageKind?> MakeRoomAsync(Claim claim, long need, long total, long most, long started, CancellationToken stop)
    {
        var budget = claim.Budget;
        // Before the look at what there is: what ends after it is not slept through.
        var freed = budget.Freed;
        await budget.Asking.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            var missing = budget.MissingFor(need, claim.Cap);
            var crowded = budget.IsCrowdedFor(most);
            if (missing == 0 && !crowded)
                return null;
            if (budget.IsLost)
                return ShortageKind.Unavailable;
            if (missing > 0 && (!budget.IsLoaded || budget.ShrinksTo(claim.Cap) || time.GetElapsedTime(budget.AskedAt) >= AskEvery))
            {
                if (budget.ShrinksTo(claim.Cap))
                    await GiveBackAsync(budget).ConfigureAwait(false);
                var asked = time.GetTimestamp();
                budget.Granted(await store.LeaseAsync(budget.Meter, claim.Cap, budget.MissingFor(need, long.MaxValue)).ConfigureAwait(false), claim.Cap, asked);
                budget.AskedAt = time.GetTimestamp();
                missing = budget.MissingFor(need, claim.Cap);
                if (missing == 0 && !budget.IsCrowdedFor(most))
                    return null;
                if (missing > 0 && budget.Others > 0 && budget.Potential >= total)
                    await store.RecallAsync(budget.Meter).ConfigureAwait(false);
            }
            if (budget.Potential < total)
                return ShortageKind.Reached;
            if (time.GetElapsedTime(started) >= Patience)
                return missing > 0 ? ShortageKind.Held : null;
        }
        finally
        {
            budget.Asking.Release();
        }
        await Task.WhenAny(freed, Task.Delay(AskEvery, time, stop)).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        return null;
    }

    private static Shortage Explain(SpendHold hold, Claim[] claims, long total, Claim first, ShortageKind kind, Exception? reason)
    {
        var inTheWay = kind == ShortageKind.Reached
            ? claims.Where(c => c.Budget == first.Budget || c.Budget.Potential < total).MaxBy(c => c.Budget.Meter.Period.End)
            : first;
        var view = hold.Limits.Where(l => l.Budget == inTheWay.Budget && l.Limit.IsHard).MinBy(l => l.Limit.Limit.AmountNano);
        var left = claims.Min(c => Math.Max(0, c.Budget.Potential));
        return new Shortage(kind, view.Limit, inTheWay.Budget.Meter, left, reason);
    }

    private async Task GiveBackAsync(Budget budget)
    {
        // Should the answer be lost, it counts as gone here: it can never be spent twice.
        if (budget.TakeSlack() is > 0 and var slack)
            await store.ReturnAsync(budget.Meter, slack).ConfigureAwait(false);
    }

    private async ValueTask LoadAsync(Budget budget)
    {
        if (!budget.IsLoaded)
            budget.Loaded(await store.SettledAsync(budget.Meter).ConfigureAwait(false));
    }

    private Budget BudgetOf(Meter meter)
    {
        if (_budgets.TryGetValue((meter.OrganizationId, meter.Id), out var known))
            return known;
        return _budgets.GetOrAdd((meter.OrganizationId, meter.Id), _ => new Budget(meter, time));
    }
}
