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

    private readonly ConcurrentDictionary<(string Organization, string Meter), Budget> _budgets = new();

    internal ICollection<Budget> Budgets => _budgets.Values;

    /// <summary>The limits that count a request at any of these resources, and nothing held yet.</summary>
    public async ValueTask<SpendHold> OpenAsync(AppliedLimits limits, DateTimeOffset now, Func<AppliedLimit, bool> counts)
    {
        var views = new LimitView[limits.All.Length];
        var claims = new Claim[limits.HardCount];
        var (viewed, claimed) = (0, 0);
        foreach (var limit in limits.All)
        {
            if (!counts(limit))
                continue;
            var budget = BudgetOf(limit, now);
            var amount = limit.AmountAt(now);
            views[viewed++] = new LimitView(limit, budget, amount);
            if (!limit.IsHard)
                await LoadAsync(budget).ConfigureAwait(false);
            else if (IndexOf(claims.AsSpan(0, claimed), budget) is >= 0 and var at)
                claims[at].Cap = Math.Min(claims[at].Cap, amount);
            else
                claims[claimed++] = new Claim(budget, amount);
        }
        Array.Resize(ref views, viewed);
        Array.Resize(ref claims, claimed);
        return new SpendHold(this, views, claims);
    }

    /// <summary>Where a principal's limits stand.</summary>
    public async ValueTask<LimitView[]> ViewAsync(AppliedLimits limits, DateTimeOffset now)
    {
        var views = new LimitView[limits.All.Length];
        for (var i = 0; i < views.Length; i++)
        {
            views[i] = new LimitView(limits.All[i], BudgetOf(limits.All[i], now), limits.All[i].AmountAt(now));
            await LoadAsync(views[i].Budget).ConfigureAwait(false);
        }
        return views;
    }

    /// <summary>Takes an amount of every budget, or of none.</summary>
    internal static bool TryTake(Claim[] claims, long nano, long most) => FirstShort(claims, nano, most, patient: true) < 0;

    /// <summary>The same, asking the store and waiting for others where that helps.</summary>
    /// <param name="waits">False to be told that others hold what is left rather than to wait for it.</param>
    internal async ValueTask<Shortage?> TakeAsync(SpendHold hold, Claim[] claims, long nano, long most, bool waits, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        WaitingLine? line = null;
        try
        {
            while (true)
            {
                var left = Patience - time.GetElapsedTime(started);
                var at = FirstShort(claims, nano, most, left > TimeSpan.Zero);
                if (at < 0)
                    return null;
                line = claims[at].Budget.Line;
                if (await WaitAsync(claims[at], nano, hold.Amount + nano, most, left, waits, stop).ConfigureAwait(false) is var (kind, reason) && kind is { } refusal)
                    return Explain(hold, claims, hold.Amount + nano, claims[at], refusal, reason);
            }
        }
        finally
        {
            // Whoever is next looks now: this one has taken its part, or is refused.
            line?.Wake(1);
        }
    }

    // Returns once it is worth trying again, or with what is in the way. total is what the request then holds of the budget.
    private async ValueTask<(ShortageKind? Refusal, Exception? Reason)> WaitAsync(Claim claim, long need, long total, long most, TimeSpan left, bool mayWait, CancellationToken stop)
    {
        var line = claim.Budget.Line;
        // Before the look at what there is: what ends after it is not slept through.
        var place = line.Enter();
        try
        {
            var (refusal, waits) = await MakeRoomAsync(claim, need, total, most, left <= TimeSpan.Zero, stop).ConfigureAwait(false);
            if (refusal is null && waits && !mayWait)
                return (ShortageKind.Held, null);
            if (refusal is null && waits)
            {
                // Neither other replicas nor who frees an ended lease tell anybody: one of those who wait asks the store until they are done.
                var asks = (claim.Budget.Others > 0 || !claim.Budget.IsLoaded) && left > AskEvery && line.Asks(place);
                await Task.WhenAny(place.Value.Task, Task.Delay(asks ? AskEvery : left, time, stop)).ConfigureAwait(false);
                stop.ThrowIfCancellationRequested();
            }
            return (refusal, null);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            return (ShortageKind.Unavailable, e);
        }
        finally
        {
            line.Leave(place);
        }
    }

    /// <summary>Puts back into the store what is neither reserved nor spent.</summary>
    internal async Task GiveBackAsync(Budget budget)
    {
        // Should the answer be lost, it counts as gone here: it can never be spent twice.
        if (budget.TakeSlack() is > 0 and var slack)
            await store.ReturnAsync(budget.Meter, slack).ConfigureAwait(false);
    }

    internal void Forget(Budget budget)
    {
        _budgets.TryRemove((budget.Meter.OrganizationId, budget.Meter.Id), out _);
        budget.IsForgotten = true;
    }

    private static int IndexOf(ReadOnlySpan<Claim> claims, Budget budget)
    {
        for (var i = 0; i < claims.Length; i++)
        {
            if (claims[i].Budget == budget)
                return i;
        }
        return -1;
    }

    private static int FirstShort(Claim[] claims, long nano, long most, bool patient)
    {
        for (var i = 0; i < claims.Length; i++)
        {
            if (claims[i].Budget.TryTake(ref claims[i], nano, most, patient))
                continue;
            for (var taken = i - 1; taken >= 0; taken--)
            {
                if (most > 0)
                    claims[taken].Budget.Release(claims[taken], nano, most, 0);
                else
                    claims[taken].Budget.Lower(claims[taken], nano);
            }
            return i;
        }
        return -1;
    }

    // Why there is no room, or whether to wait for it; neither when it is worth trying again.
    private async ValueTask<(ShortageKind? Refusal, bool Waits)> MakeRoomAsync(Claim claim, long need, long total, long most, bool isLast, CancellationToken stop)
    {
        var budget = claim.Budget;
        await budget.Asking.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            if (most == 0 && budget.IsLost(claim))
                return (ShortageKind.Unavailable, false);
            var missing = budget.MissingFor(need, claim.Cap);
            if (missing > 0 && (budget.MayHave(missing, claim.Cap) || time.GetElapsedTime(budget.AskedAt) >= AskEvery))
            {
                if (!await AskAsync(budget, claim.Cap, need).ConfigureAwait(false))
                    return (most == 0 ? ShortageKind.Unavailable : isLast ? ShortageKind.Held : null, true);
                missing = budget.MissingFor(need, claim.Cap);
                if (missing > 0 && budget.Others > 0 && budget.Potential >= total)
                    await store.RecallAsync(budget.Meter).ConfigureAwait(false);
            }
            if (missing == 0 && !(budget.IsCrowdedFor(most) && !isLast))
                return (null, false);
            return budget.Potential < total ? (ShortageKind.Reached, false) : isLast ? (ShortageKind.Held, false) : (null, true);
        }
        finally
        {
            budget.Asking.Release();
        }
    }

    // False when the store has ended this replica's lease, and another one is not to be had yet.
    private async ValueTask<bool> AskAsync(Budget budget, long cap, long need)
    {
        if (budget.ShrinksTo(cap))
            await GiveBackAsync(budget).ConfigureAwait(false);
        var (asked, askedUtc) = (time.GetTimestamp(), time.GetUtcNow());
        var grant = await store.LeaseAsync(budget.Meter, cap, budget.MissingFor(need, long.MaxValue), budget.HasLease).ConfigureAwait(false);
        budget.AskedAt = time.GetTimestamp();
        if (!grant.IsEnded)
            budget.Granted(grant, cap, asked, askedUtc);
        else if (budget.IsLoaded)
            budget.Lose();
        return !grant.IsEnded;
    }

    private static Shortage Explain(SpendHold hold, Claim[] claims, long total, Claim first, ShortageKind kind, Exception? reason)
    {
        var inTheWay = kind == ShortageKind.Reached
            ? claims.Where(c => c.Budget == first.Budget || c.Budget.Potential < total).MaxBy(c => c.Budget.Meter.Period.End)
            : first;
        var view = hold.Limits.Where(l => l.Budget == inTheWay.Budget && l.Limit.IsHard).MinBy(l => l.AmountNano);
        var left = claims.Min(c => Math.Max(0, c.Budget.Potential));
        return new Shortage(kind, view.Limit, inTheWay.Budget.Meter, left, reason);
    }

    private async ValueTask LoadAsync(Budget budget)
    {
        if (!budget.IsLoaded)
            budget.Loaded(await store.SettledAsync(budget.Meter).ConfigureAwait(false));
    }

    // Kept with the limit: to look it up takes longer than all else that is done with it.
    private Budget BudgetOf(AppliedLimit limit, DateTimeOffset now)
    {
        var meter = limit.MeterAt(now);
        if (limit.Known is { IsForgotten: false } known && known.Owner == this && known.Meter.Id == meter.Id)
            return known;
        return limit.Known = BudgetOf(meter);
    }

    private Budget BudgetOf(Meter meter)
    {
        if (_budgets.TryGetValue((meter.OrganizationId, meter.Id), out var known))
            return known;
        return _budgets.GetOrAdd((meter.OrganizationId, meter.Id), _ => new Budget(meter, this, time));
    }
}
