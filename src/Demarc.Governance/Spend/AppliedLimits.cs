using Demarc.Governance.Identity;

namespace Demarc.Governance.Spend;

/// <summary>A limit on one principal; shared by that principal's requests.</summary>
/// <param name="raise">What was approved beyond it, for a time; null for nothing.</param>
public sealed class AppliedLimit(SpendLimit limit, Principal principal, SpendRaise? raise = null)
{
    private Meter? _meter;

    public SpendLimit Limit => limit;

    public bool IsHard => limit.Mode == LimitMode.Hard;

    /// <summary>Nano-dollars for the period, with what was approved beyond the limit as long as that holds.</summary>
    public long AmountAt(DateTimeOffset now) =>
        raise is not null && now.ToUnixTimeMilliseconds() < raise.Until ? Math.Max(limit.AmountNano, raise.AmountNano) : limit.AmountNano;

    /// <summary>What counts towards it at a time.</summary>
    public Meter MeterAt(DateTimeOffset now)
    {
        var meter = Volatile.Read(ref _meter);
        if (meter is not null && meter.Period.Contains(now))
            return meter;
        var subject = limit.Scope switch
        {
            LimitScope.Person => principal.Id,
            LimitScope.Key => principal.KeyId,
            _ => null,
        };
        meter = new Meter(principal.OrganizationId, limit.Scope, subject, limit.Pool, limit.Resource, SpendPeriod.Of(limit.Period, now));
        Volatile.Write(ref _meter, meter);
        return meter;
    }

    /// <summary>The budget of <see cref="MeterAt"/> when it was last looked up.</summary>
    internal Budget? Known { get; set; }

    public bool AppliesTo(string resource) => limit.Resource is null || limit.Resource == resource;
}

/// <summary>All limits on one principal.</summary>
public sealed class AppliedLimits(AppliedLimit[] all)
{
    public static readonly AppliedLimits None = new([]);

    public AppliedLimit[] All => all;

    public bool IsEmpty => all.Length == 0;

    public int HardCount { get; } = all.Count(l => l.IsHard);

    public bool HasHard => HardCount > 0;
}
