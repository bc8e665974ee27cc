namespace Demarc.Governance.Wire;

/// <summary>Tokens as an answer reports them. Stream reports are cumulative: what is present overwrites.</summary>
public sealed class AnswerUsage
{
    public long InputTokens { get; internal set; }

    public long OutputTokens { get; internal set; }

    public long CacheRead { get; internal set; }

    public long CacheWrite5m { get; internal set; }

    public long CacheWrite1h { get; internal set; }

    public long WebSearchRequests { get; internal set; }

    /// <summary><c>server_tool_use.code_execution_requests</c>.</summary>
    public long CodeExecutionRequests { get; internal set; }

    public string? ServiceTier { get; internal set; }

    public string? InferenceGeo { get; internal set; }

    /// <summary><c>fast</c> or <c>standard</c>; null where the platform does not say.</summary>
    public string? Speed { get; internal set; }

    /// <summary>The <c>type</c> of an entry of <c>iterations[]</c>: <c>message</c>, <c>fallback_message</c>, <c>advisor_message</c>, <c>compaction</c>.</summary>
    public string? IterationType { get; internal set; }

    /// <summary><c>usage.iterations[]</c>: when present, each is priced at its own model instead of the sums above.</summary>
    public List<(string? Model, AnswerUsage Usage)>? Iterations { get; internal set; }
}

/// <summary>What the record needs to know of an answer; grows while a stream runs.</summary>
public sealed class AnswerFacts
{
    public string? Id { get; internal set; }

    /// <summary>The provider's own name for the model that answered.</summary>
    public string? Model { get; internal set; }

    public string? StopReason { get; internal set; }

    /// <summary>The last usage seen; null when none came.</summary>
    public AnswerUsage? Usage { get; internal set; }

    /// <summary>The type of an error, from an error answer or event.</summary>
    public string? ErrorType { get; set; }
}
