namespace Demarc.Proxy.Settlement;

/// <summary>How a request ended; the wire names are those of <c>FinishedRecord.Result</c>.</summary>
internal enum Outcome
{
    Answered,
    UpstreamError,
    UpstreamLost,
    ClientGone,
    Revoked,

    /// <summary>A hard limit ended the stream.</summary>
    LimitReached,
}

internal static class OutcomeNames
{
    public static string Wire(this Outcome outcome) => outcome switch
    {
        Outcome.Answered => "answered",
        Outcome.UpstreamError => "upstream_error",
        Outcome.UpstreamLost => "upstream_lost",
        Outcome.ClientGone => "client_gone",
        Outcome.Revoked => "revoked",
        Outcome.LimitReached => "limit_reached",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };
}
