using System.Text.Json;

namespace Demarc.Simulator.Scripts;

/// <summary>
/// One rule of a script: which requests it takes, and what becomes of their answers. Each condition that is set must hold;
/// patterns may hold <c>*</c> for any characters. In JSON the names are in snake_case, and unknown ones are errors.
/// </summary>
public sealed record ScriptRule
{
    /// <summary>Pattern of the model asked for, from the body or the path, as the platform spells it.</summary>
    public string? Model { get; init; }

    /// <summary>Pattern of the path, without the query, as received.</summary>
    public string? Path { get; init; }

    /// <summary><c>name</c> for a header that must be there, <c>name: pattern</c> for its value.</summary>
    public string? Header { get; init; }

    /// <summary>Whether the request must (true) or must not (false) ask for a stream; default either.</summary>
    public bool? Stream { get; init; }

    /// <summary>The first of the matching requests that the rule takes, counted from 1; default 1.</summary>
    public int From { get; init; } = 1;

    /// <summary>How many requests the rule takes; default all.</summary>
    public int? Times { get; init; }

    /// <summary>The answer's text; default the simulator's own answer.</summary>
    public string? Text { get; init; }

    /// <summary>Text of a thinking block before the answer, for requests with <c>thinking</c> enabled or adaptive.</summary>
    public string? Thinking { get; init; }

    /// <summary>A tool call after the text; <c>stop_reason</c> is then <c>tool_use</c>.</summary>
    public ScriptToolUse? ToolUse { get; init; }

    /// <summary>
    /// Deltas that a streamed text is cut into. Without <see cref="Text"/>, as many deltas of one token each.
    /// </summary>
    public int? Deltas { get; init; }

    /// <summary>Replaces the answer's <c>stop_reason</c>.</summary>
    public string? StopReason { get; init; }

    /// <summary>Replaces the final <c>usage</c> object (the one of <c>message_delta</c> in a stream).</summary>
    public JsonElement? Usage { get; init; }

    /// <summary>A stream's exact bytes; Bedrock gets the <c>data</c> of its events in event-stream frames.</summary>
    public string? Sse { get; init; }

    /// <summary>A whole answer's exact bytes, on any route.</summary>
    public string? Body { get; init; }

    /// <summary>Status of an answer with <see cref="Body"/>; default 200.</summary>
    public int? Status { get; init; }

    /// <summary>Response headers to set, over the simulator's own.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>Milliseconds before the headers, on top of the simulator's own latency; default 0.</summary>
    public int LatencyMs { get; init; }

    /// <summary>Milliseconds between the headers and the first byte of the body; default 0.</summary>
    public int FirstByteMs { get; init; }

    /// <summary>
    /// Milliseconds between events. 0 sends each event by itself; null (the default) sends them together.
    /// </summary>
    public int? BetweenEventsMs { get; init; }

    /// <summary>
    /// Opens the last event of a paced stream of server-sent events with a comment that says, as the header
    /// <c>simulator-service-us</c> does of the head, when it was sent: microseconds since the request arrived. Default false.
    /// </summary>
    public bool StampLastEvent { get; init; }

    public ScriptFault? Fault { get; init; }
}

/// <summary>A scripted tool call.</summary>
/// <param name="Name">The tool's name.</param>
/// <param name="Input">Its input, a JSON object.</param>
public sealed record ScriptToolUse(string Name, JsonElement Input);
