namespace Demarc.Simulator.Logging;

/// <summary>How a request ended, as the simulator saw it.</summary>
public enum RequestOutcome
{
    /// <summary>Still being received or answered.</summary>
    Pending,

    /// <summary>The answer was written whole, or as far as its script said.</summary>
    Completed,

    /// <summary>The client closed the connection before the answer's end.</summary>
    ClientGone,

    /// <summary>A script's fault cut the connection.</summary>
    Cut,
}

/// <summary>A moment, on the machine's monotonic clock and on the calendar.</summary>
/// <param name="Ticks"><c>Stopwatch</c> ticks (<c>TimeProvider.GetTimestamp</c>).</param>
/// <param name="UnixMicros">Microseconds since 1970-01-01 UTC.</param>
public readonly record struct Moment(long Ticks, long UnixMicros)
{
    internal static Moment Now(TimeProvider time) =>
        new(time.GetTimestamp(), (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
}

/// <summary>One request as it came in on the wire, and when and how its answer went.</summary>
public sealed class LoggedRequest
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal LoggedRequest(string method, string target, KeyValuePair<string, string>[] headers, byte[] body, Moment arrived)
    {
        Method = method;
        Target = target;
        Headers = headers;
        Body = body;
        Arrived = arrived;
    }

    /// <summary>1 for the first request since the start; never reused.</summary>
    public long Number { get; internal set; }

    public string Method { get; }

    /// <summary>Path and query exactly as received.</summary>
    public string Target { get; }

    /// <summary>Header lines in the order and spelling received.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>The body's bytes, without transfer coding; what had been read when the client left early.</summary>
    public byte[] Body { get; }

    /// <summary>When the request's headers had been read.</summary>
    public Moment Arrived { get; }

    /// <summary>When the answer's first byte was sent; null before that.</summary>
    public Moment? FirstByte { get; internal set; }

    /// <summary>When the answer ended or the client left; null before that.</summary>
    public Moment? Ended { get; private set; }

    /// <summary>The status answered; null before that.</summary>
    public int? Status { get; internal set; }

    public RequestOutcome Outcome { get; private set; }

    /// <summary>Completes when <see cref="Outcome"/> is final.</summary>
    public Task Completion => _ended.Task;

    /// <summary>The first header of that name, whatever its case; null when there is none.</summary>
    public string? Header(string name)
    {
        foreach (var (key, value) in Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        return null;
    }

    /// <summary>The first end counts: a client that leaves is on record before the answer notices.</summary>
    internal void End(RequestOutcome outcome, Moment at)
    {
        lock (_ended)
        {
            if (Outcome != RequestOutcome.Pending)
                return;
            Ended = at;
            Outcome = outcome;
        }

        _ended.TrySetResult();
    }
}
