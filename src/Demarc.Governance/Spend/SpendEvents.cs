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

    /// <summary>Somebody's request for more was approved.</summary>
    public const string Approved = "demarc_spend_limit_increase_approved";

    /// <summary>It was not.</summary>
    public const string Denied = "demarc_spend_limit_increase_denied";

    /// <summary>The field of a decision that keeps the person from being told; its value is <c>true</c>.</summary>
    public const string Suppressed = "suppress_notification";

    /// <summary>What finance is told of.</summary>
    public static readonly string[] All = [Threshold, Overrun, Foreseen];

    /// <summary>What the person is told of who asked.</summary>
    public static readonly string[] Decisions = [Approved, Denied];
}
