using Demarc.Governance.Spend;

namespace Demarc.Governance.Tests.Spend;

/// <summary>One budget and its leases, as a store that any number of replicas share keeps them: what is given never passes the cap.</summary>
internal sealed class LeasedBudgets
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Nano, bool Ended)> _leases = [];
    private string? _recalledBy;

    public long Settled { get; private set; }

    /// <summary>How often a lease was asked for.</summary>
    public int Asked { get; private set; }

    /// <summary>The store as one replica sees it.</summary>
    public ISpendReservations Of(string replica) => new Replica(this, replica);

    /// <summary>What the projector does with a finished request.</summary>
    public void Settle(string replica, long cost)
    {
        lock (_gate)
        {
            Settled += cost;
            if (_leases.TryGetValue(replica, out var lease))
                _leases[replica] = lease with { Nano = lease.Nano - cost };
        }
    }

    public long Leased(string replica)
    {
        lock (_gate)
            return _leases.GetValueOrDefault(replica).Nano;
    }

    public void End(string replica)
    {
        lock (_gate)
            _leases[replica] = _leases[replica] with { Ended = true };
    }

    public void Free(string replica)
    {
        lock (_gate)
            _leases.Remove(replica);
    }

    private sealed class Replica(LeasedBudgets all, string name) : ISpendReservations
    {
        public Task<LeaseGrant> LeaseAsync(Meter meter, long cap, long need, bool isRenewal)
        {
            lock (all._gate)
            {
                all.Asked++;
                var others = all._leases.Where(l => l.Key != name).Sum(l => Math.Max(0, l.Value.Nano));
                if (all._leases.TryGetValue(name, out var own) ? own.Ended : isRenewal)
                    return Task.FromResult(new LeaseGrant(0, 0, others, all.Settled, IsEnded: true));
                var overdrawn = Math.Max(0, -own.Nano);
                var free = cap - all.Settled - others - Math.Max(0, own.Nano);
                var grant = free < need - overdrawn ? 0 : Math.Max(0, need - overdrawn);
                if (overdrawn + grant > 0)
                    all._leases[name] = (own.Nano + overdrawn + grant, false);
                return Task.FromResult(new LeaseGrant(overdrawn + grant, Math.Max(0, free - grant), others, all.Settled));
            }
        }

        public Task ReturnAsync(Meter meter, long nano)
        {
            lock (all._gate)
            {
                if (all._leases.TryGetValue(name, out var own) && !own.Ended)
                    all._leases[name] = own with { Nano = own.Nano - nano };
            }
            return Task.CompletedTask;
        }

        public Task RecallAsync(Meter meter)
        {
            lock (all._gate)
                all._recalledBy = name;
            return Task.CompletedTask;
        }

        public Task<bool> CloseAsync(IReadOnlyList<Meter> meters)
        {
            all.Free(name);
            return Task.FromResult(true);
        }

        public Task<long> SettledAsync(Meter meter) => Task.FromResult(all.Settled);

        public Task<long[]> SettledAsync(IReadOnlyList<Meter> meters) => Task.FromResult(meters.Select(_ => all.Settled).ToArray());

        public Task<LeaseState[]> LeasesAsync()
        {
            lock (all._gate)
            {
                var meter = new Meter("org_1", LimitScope.Organization, null, null, null, SpendPeriod.Of(LimitPeriod.Monthly, TimeProvider.System.GetUtcNow()));
                return Task.FromResult<LeaseState[]>(all._leases.TryGetValue(name, out var own) && !own.Ended
                    ? [new LeaseState(meter.OrganizationId, meter.Id, all.Settled, all._recalledBy is not null && all._recalledBy != name)]
                    : []);
            }
        }
    }
}
