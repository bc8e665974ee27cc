namespace Demarc.Governance.Spend;

/// <summary>What the store gave of a budget, and how it stood right after.</summary>
/// <param name="Granted">Nano-dollars added to this replica's lease: what it had overdrawn and the budget has by now, and the need where that much was free.</param>
/// <param name="Free">Neither settled nor leased to anybody.</param>
/// <param name="Others">Leased to other replicas.</param>
/// <param name="Settled">Spent in the period, as far as the log was followed.</param>
/// <param name="IsEnded">The lease that was to be added to is not this replica's any more; nothing was granted.</param>
public readonly record struct LeaseGrant(long Granted, long Free, long Others, long Settled, bool IsEnded = false);

/// <summary>A budget of which this replica holds a lease.</summary>
/// <param name="Recalled">Another replica is short: what is not reserved goes back.</param>
public readonly record struct LeaseState(string OrganizationId, string MeterId, long Settled, bool Recalled);

/// <summary>
/// Where budgets are kept. A replica leases parts of them and spends those in memory; settlement reaches the store with the
/// records, in the transaction that follows them, so that settled plus leased never passes a limit and each cost counts once.
/// </summary>
public interface ISpendReservations
{
    /// <summary>
    /// Adds to this replica's lease of a budget: all of <paramref name="need"/> and a part of what is left, or nothing. Either way a
    /// lease that calls cost more than (see overrun) is made good, once that cost is the budget's.
    /// </summary>
    /// <param name="cap">The limit, nano-dollars.</param>
    /// <param name="isRenewal">Whether the replica believes to hold a lease of it.</param>
    Task<LeaseGrant> LeaseAsync(Meter meter, long cap, long need, bool isRenewal);

    /// <summary>Gives back what of the lease is not reserved.</summary>
    Task ReturnAsync(Meter meter, long nano);

    /// <summary>Asks every other replica to give back what it has not reserved.</summary>
    Task RecallAsync(Meter meter);

    /// <summary>Gives up leases of which nothing is reserved; false, and nothing is done, while what was spent of them may not have settled.</summary>
    Task<bool> CloseAsync(IReadOnlyList<Meter> meters);

    /// <summary>Spent in the period; counts from now on, and what the ledger has from before.</summary>
    Task<long> SettledAsync(Meter meter);

    /// <summary>The same for several that were asked for before, in their order.</summary>
    Task<long[]> SettledAsync(IReadOnlyList<Meter> meters);

    /// <summary>This replica's leases.</summary>
    Task<LeaseState[]> LeasesAsync();
}
