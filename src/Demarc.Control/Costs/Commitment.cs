using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>Where a commitment stands.</summary>
/// <param name="DrawnNano">By what was spent here and elsewhere, nano-dollars.</param>
/// <param name="PerDayNano">What was spent here on a day, on average over <paramref name="Days"/> days; what is spent elsewhere is not foreseen.</param>
/// <param name="ForecastNano">Drawn by its end, if it goes on so.</param>
/// <param name="UsedUp">The day on which it is used up, if it goes on so; null when it is not before its end.</param>
public sealed record CommitmentStatus(CommitmentConfig Commitment, long DrawnNano, long PerDayNano, int Days, long ForecastNano, DateOnly? UsedUp)
{
    private const int ForecastDays = 30;

    /// <param name="resources">Those of the configuration: which platform each is on.</param>
    public static async Task<CommitmentStatus> OfAsync(CommitmentConfig commitment, Store store, string organizationId, ResourceSnapshot[] resources, DateOnly today)
    {
        var end = commitment.Until <= today ? commitment.Until : today.AddDays(1);
        var spent = commitment.From >= end ? [] : await store.Spend.ListAsync(new SpendQuery(organizationId, Money.Midnight(commitment.From), Money.Midnight(end), SpendBucket.Day)
        {
            By = SpendDimensions.Resource | SpendDimensions.Platform,
        });
        var ours = Array.FindAll(spent, line => commitment.Resources.Contains(line.Resource) || commitment.Platforms.Contains(PlatformOf(line, resources)));
        var drawn = checked(commitment.DrawnElsewhereNano + ours.Sum(l => l.NanoUsd));

        // Whole days only: today is not over.
        var first = Max(commitment.From, today.AddDays(-ForecastDays));
        var days = Math.Max(0, (end < today ? end : today).DayNumber - first.DayNumber);
        var recent = ours.Where(l => Day(l) >= first && Day(l) < today).Sum(l => l.NanoUsd);
        var perDay = days == 0 ? 0 : recent / days;
        var left = Math.Max(0, commitment.Until.DayNumber - Max(today, commitment.From).DayNumber);
        var forecast = (long)Int128.Min(long.MaxValue, drawn + ((Int128)perDay * left));
        DateOnly? usedUp = drawn >= commitment.AmountNano ? today
            : forecast >= commitment.AmountNano ? today.AddDays((int)((commitment.AmountNano - drawn + perDay - 1) / perDay))
            : null;
        return new(commitment, drawn, perDay, days, forecast, usedUp);
    }

    private static string PlatformOf(SpendLine line, ResourceSnapshot[] resources) =>
        line.Platform is { Length: > 0 } platform ? platform : Array.Find(resources, r => r.Name == line.Resource)?.Platform.Wire() ?? "";

    private static DateOnly Day(SpendLine line) => DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(line.At).UtcDateTime);

    private static DateOnly Max(DateOnly a, DateOnly b) => a > b ? a : b;
}
