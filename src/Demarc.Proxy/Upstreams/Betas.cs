namespace Demarc.Proxy.Upstreams;

/// <summary>Betas on their way between the <c>anthropic-beta</c> header and the body's <c>anthropic_beta</c>.</summary>
internal static class Betas
{
    public const string Header = "anthropic-beta";

    // Claude Code names the same feature differently by platform (observed, 2.1.330: advanced-tool-use on the Messages
    // API and Foundry, tool-search-tool on Bedrock and Google Cloud).
    private const string AdvancedTools = "advanced-tool-use-2025-11-20";
    private const string ToolSearch = "tool-search-tool-2025-10-19";

    // Bedrock refuses a whole request for one beta that it does not know ("invalid beta flag"). These it takes: Amazon
    // Bedrock user guide, "Anthropic Claude Messages API: Request and Response"; probes on record in
    // github.com/envoyproxy/ai-gateway pull 2512 (2026-08-11) and github.com/BerriAI/litellm pull 41203; and what
    // Claude Code 2.1.330 itself puts into Bedrock bodies.
    private static readonly HashSet<string> s_bedrock =
    [
        "compact-2026-01-12", "computer-use-2024-10-22", "computer-use-2025-01-24", "computer-use-2025-11-24",
        "context-1m-2025-08-07", "context-management-2025-06-27", "dev-full-thinking-2025-05-14", "effort-2025-11-24",
        "fine-grained-tool-streaming-2025-05-14", "interleaved-thinking-2025-05-14", "output-128k-2025-02-19",
        "search-results-2025-06-09", "thinking-token-count-2026-05-13", "token-counting-2024-11-01",
        "token-efficient-tools-2025-02-19", "tool-examples-2025-10-29", ToolSearch,
    ];

    /// <summary>What a Bedrock body is to carry: the client's own list, and of the header what Bedrock takes.</summary>
    public static string[] ForBedrockBody(string[] inBody, string? header)
    {
        if (string.IsNullOrEmpty(header))
            return inBody;
        var betas = new List<string>(inBody);
        foreach (var beta in Split(header))
        {
            var known = beta == AdvancedTools ? ToolSearch : beta;
            if (s_bedrock.Contains(known) && !betas.Contains(known))
                betas.Add(known);
        }
        return betas.Count == inBody.Length ? inBody : [.. betas];
    }

    /// <summary>What the header is to carry: its own, then the body's; null for none.</summary>
    public static string? ForHeader(string[] inBody, string? header)
    {
        if (inBody.Length == 0)
            return header;
        var betas = string.IsNullOrEmpty(header) ? [] : Split(header).ToList();
        betas.AddRange(inBody.Where(b => !betas.Contains(b)));
        return string.Join(',', betas);
    }

    /// <summary>The header as Google Cloud knows its betas.</summary>
    public static string? ForVertexHeader(string[] inBody, string? header) =>
        ForHeader(inBody, header)?.Replace(AdvancedTools, ToolSearch, StringComparison.Ordinal);

    private static string[] Split(string header) =>
        header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
