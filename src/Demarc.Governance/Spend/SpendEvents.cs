namespace Demarc.Governance.Spend;

/// <summary>The activities that alerts are made of.</summary>
public static class SpendEvents
{
    /// <summary>75, 95 or more than 100 % of a limit are spent.</summary>
    public const string Threshold = "demarc_spend_threshold_reached";

    /// <summary>More than a hard limit was billed.</summary>
    public const string Overrun = "demarc_spend_overrun";

    /// <summary>If the period goes on as it began, the limit is passed before its end.</summary>
    public const string Foreseen = "demarc_spend_forecast_exceeded";

    public static readonly string[] All = [Threshold, Overrun, Foreseen];
}
