namespace Demarc.Bench;

/// <summary>What the simulator is told to do.</summary>
internal static class Scripts
{
    /// <summary>Milliseconds that the delayed model takes.</summary>
    public const int LatencyMs = 20;

    // Beside message_start, the block's start and stop, a ping, message_delta and message_stop.
    private const int Deltas = 44;

    private static readonly string s_answer = string.Join(' ', Enumerable.Repeat("A retry policy that retries five times outlasts a short outage.", 20));

    /// <summary>A stream of 50 events, sent together.</summary>
    public static object Stream { get; } = new { stream = true, text = s_answer, deltas = Deltas };

    /// <summary>The delayed model's whole answers.</summary>
    public static object Delayed { get; } = new { stream = false, model = Load.RequestText.DelayedModel, latency_ms = LatencyMs };

    /// <summary>The delayed model's streams, sent together.</summary>
    public static object DelayedStream { get; } = new { stream = true, model = Load.RequestText.DelayedModel, latency_ms = LatencyMs, text = s_answer, deltas = Deltas };

    /// <summary>The delayed model's streams, event by event, a millisecond apart.</summary>
    public static object PacedStream { get; } = new
    {
        stream = true,
        model = Load.RequestText.DelayedModel,
        latency_ms = LatencyMs,
        text = s_answer,
        deltas = Deltas,
        between_events_ms = 1,
        stamp_last_event = true,
    };
}
