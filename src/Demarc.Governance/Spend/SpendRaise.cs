namespace Demarc.Governance.Spend;

/// <summary>
/// More for one person until a moment, approved: it lifts every limit of a period that is the person's own, from wherever it
/// comes, and no shared one.
/// </summary>
/// <param name="Until">Unix milliseconds; from then on it counts no more.</param>
public sealed record SpendRaise(string PrincipalId, LimitPeriod Period, long AmountNano, long Until);
