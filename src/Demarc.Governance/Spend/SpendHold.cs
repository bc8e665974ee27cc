namespace Demarc.Governance.Spend;

/// <summary>A budget that a request is to be paid from, and the lowest limit over it.</summary>
internal record struct Claim(Budget Budget, long Cap)
{
    /// <summary>The lease that the hold is on, once it has begun.</summary>
    public int Lease { get; set; }
}

/// <summary>A limit on a request, with where it stands.</summary>
/// <param name="AmountNano">What it is at the time of the request.</param>
public readonly record struct LimitView(AppliedLimit Limit, Budget Budget, long AmountNano)
{
    public SpendUse Use => new(Budget.Settled, AmountNano);
}

/// <summary>A settlement took a limit past a threshold.</summary>
/// <param name="Percent">75, 95 or 100.</param>
/// <param name="View">The limit and its meter.</param>
/// <param name="OverNano">Beyond the limit, nano-dollars; 0 while it is not.</param>
/// <param name="ForeseenNano">What the period is going to come to, past the limit; null where a threshold was passed.</param>
public readonly record struct LimitPassed(LimitView View, int Percent, long SettledNano, long OverNano, long? ForeseenNano = null);

/// <summary>
/// What one request reserves: an amount on every hard budget that it may be paid from. It grows with the request, and ends
/// once, with the cost.
/// </summary>
public sealed class SpendHold
{
    private readonly Escrow _escrow;
    private readonly Claim[] _claims;
    private long _most;
    private bool _ended;

    internal SpendHold(Escrow escrow, LimitView[] limits, Claim[] claims) => (_escrow, Limits, _claims) = (escrow, limits, claims);

    /// <summary>Every limit that counts the request, hard or not.</summary>
    public LimitView[] Limits { get; }

    public bool HasHard => _claims.Length > 0;

    /// <summary>Nano-dollars reserved on each hard budget.</summary>
    public long Amount { get; private set; }

    /// <summary>Reserves the first amount, waiting for others' holds to end where that helps.</summary>
    /// <param name="most">What the request may come to.</param>
    /// <param name="waits">False to return at once where others hold what is left.</param>
    /// <returns>The limit that is in the way; null when all of it is reserved.</returns>
    public async ValueTask<Shortage?> BeginAsync(long first, long most, CancellationToken stop, bool waits = true)
    {
        (first, _most) = (Math.Max(1, first), Math.Max(1, Math.Max(first, most)));
        if (_claims.Length == 0)
            return null;
        if (!Escrow.TryTake(_claims, first, _most) && await _escrow.TakeAsync(this, _claims, first, _most, waits, stop).ConfigureAwait(false) is { } shortage)
            return shortage;
        Amount = first;
        return null;
    }

    /// <summary>Reserves up to an amount, as <see cref="BeginAsync"/> does.</summary>
    public async ValueTask<Shortage?> RaiseAsync(long to, CancellationToken stop)
    {
        var by = to - Amount;
        if (by <= 0 || _claims.Length == 0)
            return null;
        if (!Escrow.TryTake(_claims, by, 0) && await _escrow.TakeAsync(this, _claims, by, 0, waits: true, stop).ConfigureAwait(false) is { } shortage)
            return shortage;
        Amount = to;
        return null;
    }

    /// <summary>Gives back what is not needed after all.</summary>
    public void LowerTo(long amount)
    {
        var by = Amount - amount;
        if (by <= 0 || amount <= 0)
            return;
        foreach (var claim in _claims)
            claim.Budget.Lower(claim, by);
        Amount = amount;
    }

    /// <summary>Ends the hold with what the request cost at a resource; a second end changes nothing.</summary>
    /// <param name="lost">What its attempts before came to, each at its resource.</param>
    public List<LimitPassed>? Settle(long cost, string? resource, params ReadOnlySpan<(long Nano, string Resource)> lost)
    {
        if (_ended)
            return null;
        _ended = true;
        List<LimitPassed>? passed = null;
        for (var i = 0; i < Limits.Length; i++)
        {
            var view = Limits[i];
            var here = resource is not null && view.Limit.AppliesTo(resource) ? cost : 0;
            foreach (var (nano, where) in lost)
                here += view.Limit.AppliesTo(where) ? nano : 0;
            // Several limits over one meter: it is spent from once.
            if (IsFirstOf(i))
                End(view.Budget, here);
            var use = view.Use;
            if (Percent(use) is var percent && here > 0 && percent > Percent(new SpendUse(use.SpentNano - here, use.AmountNano)))
                (passed ??= []).Add(new LimitPassed(view, percent, use.SpentNano, Math.Max(0, use.SpentNano - use.AmountNano)));
            if (here > 0 && view.Limit.Limit.Mode != LimitMode.Audit && view.Budget.Foresee(view.AmountNano) is { } foreseen)
                (passed ??= []).Add(new LimitPassed(view, use.Percent, use.SpentNano, 0, foreseen));
        }
        return passed;
    }

    private bool IsFirstOf(int view)
    {
        for (var i = 0; i < view; i++)
        {
            if (Limits[i].Budget == Limits[view].Budget)
                return false;
        }
        return true;
    }

    private void End(Budget budget, long cost)
    {
        var at = Amount > 0 ? Array.FindIndex(_claims, c => c.Budget == budget) : -1;
        if (at >= 0)
            budget.Release(_claims[at], Amount, _most, cost);
        else
            budget.Spend(cost);
    }

    // At a limit is not past it: a request that fits exactly is served.
    private static int Percent(SpendUse use) => use.SpentNano > use.AmountNano ? 100 : use.Threshold;
}
