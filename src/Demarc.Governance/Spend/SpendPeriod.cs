using System.Globalization;

namespace Demarc.Governance.Spend;

/// <summary>How often a limit starts anew; always at 00:00 UTC (source: Claude apps gateway spend limits, "How enforcement works").</summary>
public enum LimitPeriod
{
    Daily,

    /// <summary>From Monday.</summary>
    Weekly,

    /// <summary>From the first of the month.</summary>
    Monthly,
}

/// <summary>One day, week or month in UTC: from its start up to and without its end.</summary>
/// <param name="Start">The first day.</param>
public readonly record struct SpendPeriod(LimitPeriod Kind, DateOnly Start)
{
    /// <summary>The first day of the next one.</summary>
    public DateOnly End => Kind switch
    {
        LimitPeriod.Daily => Start.AddDays(1),
        LimitPeriod.Weekly => Start.AddDays(7),
        _ => Start.AddMonths(1),
    };

    /// <summary>When spend starts at nothing again.</summary>
    public DateTimeOffset Reset => new(End.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);

    /// <summary>The period that holds an instant; offsets and daylight saving do not matter.</summary>
    public static SpendPeriod Of(LimitPeriod kind, DateTimeOffset at)
    {
        var day = DateOnly.FromDateTime(at.UtcDateTime);
        return new(kind, kind switch
        {
            LimitPeriod.Daily => day,
            // DayOfWeek counts from Sunday.
            LimitPeriod.Weekly => day.AddDays(-(((int)day.DayOfWeek + 6) % 7)),
            _ => new DateOnly(day.Year, day.Month, 1),
        });
    }

    public bool Contains(DateTimeOffset at) => Of(Kind, at) == this;

    /// <summary><c>monthly:2026-11-01</c>.</summary>
    public override string ToString() => $"{Kind.Wire()}:{Start.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}";
}

/// <summary>The periods' names on the wire and in the configuration.</summary>
public static class LimitPeriods
{
    public static readonly string[] Names = ["daily", "weekly", "monthly"];

    public static string Wire(this LimitPeriod period) => Names[(int)period];

    public static bool TryParse(string name, out LimitPeriod period)
    {
        var index = Array.IndexOf(Names, name);
        period = (LimitPeriod)Math.Max(0, index);
        return index >= 0;
    }
}
