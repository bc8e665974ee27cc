using Demarc.Governance.Identity;

namespace Demarc.Governance.Spend;

/// <summary>A limit on one principal; shared by that principal's requests.</summary>
public sealed class AppliedLimit(SpendLimit limit, Principal principal)
{
    private Meter? _meter;

    public SpendLimit Limit => limit;

    public bool IsHard => limit.Mode == LimitMode.Hard;

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

    public bool AppliesTo(string resource) => limit.Resource is null || limit.Resource == resource;
}

/// <summary>All limits on one principal.</summary>
public sealed class AppliedLimits(AppliedLimit[] all)
{
    public static readonly AppliedLimits None = new([]);

    public AppliedLimit[] All => all;

    public bool IsEmpty => all.Length == 0;

    public bool HasHard { get; } = Array.Exists(all, l => l.IsHard);
}
