namespace Demarc.Storage.Ledger;

/// <summary>A line of a report: the dimensions that it tells apart, and the sums.</summary>
public sealed record SpendLine
{
    /// <summary>The sums, as the tables have them.</summary>
    internal static readonly string[] Columns =
    [
        "requests", "turns", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
        "web_search_requests", "code_execution_requests", "nano_usd", "list_nano_usd", "fallback_nano_usd", "incomplete_requests", "incomplete_nano_usd",
    ];

    /// <summary>The start of the bucket, Unix milliseconds; the start of the range where the report has no buckets.</summary>
    public long At { get; init; }

    /// <summary><c>user</c> or <c>service_account</c>; null, as all that follow, where it is not told apart, and empty for none.</summary>
    public string? PrincipalType { get; init; }

    public string? PrincipalId { get; init; }

    public string? KeyId { get; init; }

    public string? WorkspaceId { get; init; }

    public string? ProjectId { get; init; }

    /// <summary>Empty for what was settled before the ledger kept it.</summary>
    public string? Platform { get; init; }

    public string? Resource { get; init; }

    public string? Deployment { get; init; }

    public string? Model { get; init; }

    /// <summary><c>claude_code</c> or <c>api</c>.</summary>
    public string? Surface { get; init; }

    public string? ServiceTier { get; init; }

    public string? Speed { get; init; }

    /// <summary><c>global</c>, <c>us</c>, …: as the answer says, else the deployment's scope.</summary>
    public string? InferenceGeo { get; init; }

    /// <summary><c>0-200k</c> or <c>200k-1M</c>.</summary>
    public string? ContextWindow { get; init; }

    /// <summary>Calls of providers that were settled.</summary>
    public long Requests { get; init; }

    /// <summary>What people's prompts came to: calls of one session and prompt id are one turn, a call without them one of its own.</summary>
    public long Turns { get; init; }

    public long InputTokens { get; init; }

    public long OutputTokens { get; init; }

    public long CacheReadTokens { get; init; }

    public long CacheWrite5mTokens { get; init; }

    public long CacheWrite1hTokens { get; init; }

    public long WebSearchRequests { get; init; }

    public long CodeExecutionRequests { get; init; }

    /// <summary>Nano-dollars (1 USD = 10^9), at the resources' rates.</summary>
    public long NanoUsd { get; init; }

    /// <summary>The same at the public list.</summary>
    public long ListNanoUsd { get; init; }

    /// <summary>What of <see cref="NanoUsd"/> was priced without a price of its own.</summary>
    public long FallbackNanoUsd { get; init; }

    /// <summary>Calls whose usage is not the provider's final word.</summary>
    public long IncompleteRequests { get; init; }

    public long IncompleteNanoUsd { get; init; }

    /// <summary>The day of the bucket, as the table has it.</summary>
    internal string? Day { get; init; }

    /// <summary>Adds the sums; the dimensions are the first one's.</summary>
    public static SpendLine operator +(SpendLine a, SpendLine b) => checked(a with
    {
        Requests = a.Requests + b.Requests,
        Turns = a.Turns + b.Turns,
        InputTokens = a.InputTokens + b.InputTokens,
        OutputTokens = a.OutputTokens + b.OutputTokens,
        CacheReadTokens = a.CacheReadTokens + b.CacheReadTokens,
        CacheWrite5mTokens = a.CacheWrite5mTokens + b.CacheWrite5mTokens,
        CacheWrite1hTokens = a.CacheWrite1hTokens + b.CacheWrite1hTokens,
        WebSearchRequests = a.WebSearchRequests + b.WebSearchRequests,
        CodeExecutionRequests = a.CodeExecutionRequests + b.CodeExecutionRequests,
        NanoUsd = a.NanoUsd + b.NanoUsd,
        ListNanoUsd = a.ListNanoUsd + b.ListNanoUsd,
        FallbackNanoUsd = a.FallbackNanoUsd + b.FallbackNanoUsd,
        IncompleteRequests = a.IncompleteRequests + b.IncompleteRequests,
        IncompleteNanoUsd = a.IncompleteNanoUsd + b.IncompleteNanoUsd,
    });
}
