namespace Demarc.Governance.Spend;

/// <summary>
/// Keeps this replica's budgets in step with the store: what is recalled or idle goes back, a lease that the store does not
/// know any more is lost, and totals of what others spend are read again.
/// </summary>
public sealed class LeaseFollower(Escrow escrow, ISpendReservations store, TimeProvider time)
{
    private static readonly TimeSpan FollowEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>How far a total that nothing is held of lags behind what other replicas spend.</summary>
    private static readonly TimeSpan TotalsEvery = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan IdleAfter = TimeSpan.FromMinutes(1);

    // A request of just before the end of a period still counts in it.
    private static readonly TimeSpan Afterwards = TimeSpan.FromHours(1);

    private long _totalsAt;

    /// <summary>Follows until stopped, then gives back what is not reserved.</summary>
    /// <param name="failed">Told of a store that cannot be asked; it is asked again.</param>
    public async Task RunAsync(Action<Exception> failed, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await TryAsync(FollowAsync, failed).ConfigureAwait(false);
            // What other replicas and the projector do to leases is told by no signal that reaches this process. Stopping ends the wait and is no failure.
            await Task.Delay(FollowEvery, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        foreach (var budget in escrow.Budgets)
            await TryAsync(() => escrow.GiveBackAsync(budget), failed).ConfigureAwait(false);
    }

    /// <summary>One look at the store.</summary>
    public async Task FollowAsync()
    {
        if (escrow.Budgets.Count == 0)
            return;
        ForgetOver();
        await TotalsAsync().ConfigureAwait(false);
        // Those of before the question: a lease that comes meanwhile is not in its answer.
        var leased = escrow.Budgets.Where(b => b.HasLease).ToArray();
        if (leased.Length == 0)
            return;
        var (asked, askedUtc) = (time.GetTimestamp(), time.GetUtcNow());
        var leases = (await store.LeasesAsync().ConfigureAwait(false)).ToDictionary(l => (l.OrganizationId, l.MeterId));
        foreach (var budget in leased)
        {
            if (!leases.TryGetValue((budget.Meter.OrganizationId, budget.Meter.Id), out var lease))
            {
                budget.Lose();
                continue;
            }
            budget.Confirm(lease.Settled, asked, askedUtc);
            if (lease.Recalled)
                await escrow.GiveBackAsync(budget).ConfigureAwait(false);
        }
        await CloseAsync(Array.FindAll(leased, b => b.IsIdle(IdleAfter))).ConfigureAwait(false);
    }

    private void ForgetOver()
    {
        var now = time.GetUtcNow();
        foreach (var budget in escrow.Budgets)
        {
            if (budget.Meter.Period.Reset + Afterwards < now && !budget.IsHeld && !budget.HasLease)
                escrow.Forget(budget);
        }
    }

    private async Task TotalsAsync()
    {
        if (time.GetElapsedTime(_totalsAt) < TotalsEvery)
            return;
        _totalsAt = time.GetTimestamp();
        var stale = escrow.Budgets.Where(b => b.IsStale).ToArray();
        if (stale.Length == 0)
            return;
        var totals = await store.SettledAsync(Array.ConvertAll(stale, b => b.Meter)).ConfigureAwait(false);
        for (var i = 0; i < stale.Length; i++)
            stale[i].Loaded(totals[i]);
    }

    // A lease that nobody uses is no reason to refuse elsewhere, nor to be asked about twice a second.
    private async Task CloseAsync(Budget[] idle)
    {
        var closing = Array.FindAll(idle, b => b.Asking.Wait(0));
        try
        {
            if (closing.Length == 0)
                return;
            foreach (var budget in closing)
                await escrow.GiveBackAsync(budget).ConfigureAwait(false);
            if (!await store.CloseAsync(Array.ConvertAll(closing, b => b.Meter)).ConfigureAwait(false))
                return;
            foreach (var budget in closing)
                budget.Lose();
        }
        finally
        {
            foreach (var budget in closing)
                budget.Asking.Release();
        }
    }

    private static async Task TryAsync(Func<Task> step, Action<Exception> failed)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failed(e);
        }
    }
}
