namespace Demarc.Governance.Spend;

/// <summary>
/// What one model call used, in the five kinds of tokens that are priced apart, and web searches.
/// The kinds do not overlap: <see cref="InputTokens"/> leaves out what was read from or written to a cache
/// (source: Messages API, <c>usage</c>).
/// </summary>
public readonly record struct TokenUsage
{
    public long InputTokens { get; init; }

    public long OutputTokens { get; init; }

    /// <summary><c>cache_read_input_tokens</c>.</summary>
    public long CacheRead { get; init; }

    /// <summary><c>cache_creation.ephemeral_5m_input_tokens</c>.</summary>
    public long CacheWrite5m { get; init; }

    /// <summary><c>cache_creation.ephemeral_1h_input_tokens</c>.</summary>
    public long CacheWrite1h { get; init; }

    /// <summary><c>server_tool_use.web_search_requests</c>.</summary>
    public long WebSearchRequests { get; init; }

    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public static TokenUsage operator +(TokenUsage a, TokenUsage b) => checked(new TokenUsage
    {
        InputTokens = a.InputTokens + b.InputTokens,
        OutputTokens = a.OutputTokens + b.OutputTokens,
        CacheRead = a.CacheRead + b.CacheRead,
        CacheWrite5m = a.CacheWrite5m + b.CacheWrite5m,
        CacheWrite1h = a.CacheWrite1h + b.CacheWrite1h,
        WebSearchRequests = a.WebSearchRequests + b.WebSearchRequests,
    });
}
