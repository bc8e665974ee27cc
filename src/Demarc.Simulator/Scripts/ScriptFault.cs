namespace Demarc.Simulator.Scripts;

/// <summary>What goes wrong with an answer. In JSON the names are in snake_case.</summary>
public enum FaultKind
{
    /// <summary>429 in the platform's shape, with <c>retry-after</c> when the fault names one.</summary>
    RateLimited,

    /// <summary>529 <c>overloaded_error</c>; 503 on Bedrock and Vertex AI.</summary>
    Overloaded,

    /// <summary>500.</summary>
    ServerError,

    /// <summary>401; 403 on Bedrock, whose credential errors carry that status.</summary>
    Unauthorized,

    /// <summary>403.</summary>
    Forbidden,

    /// <summary>The token ended before its time: 401, on Bedrock 403 <c>ExpiredTokenException</c>.</summary>
    ExpiredToken,

    /// <summary>400 in the platform's own shape, naming an account: the model is not there.</summary>
    WrongRegion,

    /// <summary>404.</summary>
    NotFound,

    /// <summary>The connection is reset once the request has been read.</summary>
    ResetBeforeHeaders,

    /// <summary>The connection is reset after <see cref="ScriptFault.AfterEvents"/> events, or half of a whole answer.</summary>
    ResetMidStream,

    /// <summary>
    /// The answer ends cleanly after <see cref="ScriptFault.AfterEvents"/> events, without <c>message_stop</c>.
    /// A whole answer ends after half of its bytes.
    /// </summary>
    Truncate,

    /// <summary>An <c>error</c> event (an exception message on Bedrock) follows <see cref="ScriptFault.AfterEvents"/> events; streams only.</summary>
    ErrorEvent,

    /// <summary>Nothing is sent, not even headers, for <see cref="ScriptFault.DurationMs"/>; then the answer goes on.</summary>
    SilenceBeforeHeaders,

    /// <summary>Headers and <see cref="ScriptFault.AfterEvents"/> events are sent, then nothing for <see cref="ScriptFault.DurationMs"/>; then the rest.</summary>
    Silence,

    /// <summary>The answer is sent byte by byte, <see cref="ScriptFault.DurationMs"/> apart (default 0).</summary>
    Trickle,

    /// <summary>The answer is compressed with gzip, whatever the request accepts.</summary>
    Gzip,
}

/// <summary>A fault and its particulars.</summary>
public sealed record ScriptFault
{
    public required FaultKind Kind { get; init; }

    /// <summary>Events sent before the fault; default 0: right after the headers.</summary>
    public int AfterEvents { get; init; }

    /// <summary>How long a silence lasts, null (the default) until the client leaves; the pause between a trickle's bytes.</summary>
    public int? DurationMs { get; init; }

    /// <summary>Value of <c>retry-after</c> on an error status; absent by default.</summary>
    public string? RetryAfter { get; init; }

    /// <summary><c>error.type</c> in Anthropic's shape; default follows from the kind, <c>overloaded_error</c> for an error event.</summary>
    public string? ErrorType { get; init; }

    /// <summary><c>error.message</c>; default follows from the kind.</summary>
    public string? Message { get; init; }
}
