namespace Demarc.Simulator.Messages;

internal enum BlockKind
{
    Text,
    Thinking,
    ToolUse,
}

/// <summary>One content block.</summary>
/// <param name="Content">JSON-escaped text; for a tool call its input, a JSON object.</param>
/// <param name="ToolName">JSON-escaped.</param>
internal readonly record struct AnswerBlock(BlockKind Kind, ReadOnlyMemory<byte> Content, ReadOnlyMemory<byte> ToolName = default);

/// <summary>What the model "says", before any platform's framing.</summary>
internal sealed class Answer
{
    private readonly List<AnswerBlock> _blocks = new(2);

    public IReadOnlyList<AnswerBlock> Blocks => _blocks;

    public ReadOnlyMemory<byte> StopReason { get; set; } = EndTurn;

    public int OutputTokens { get; private set; }

    /// <summary>Deltas per text; null cuts a text into a few.</summary>
    public int? Deltas { get; init; }

    /// <summary>A thinking block shows its signature only (<c>display: omitted</c>).</summary>
    public bool ThinkingOmitted { get; init; }

    /// <summary>Replaces the final usage object.</summary>
    public byte[]? Usage { get; init; }

    public static ReadOnlyMemory<byte> EndTurn { get; } = "end_turn"u8.ToArray();

    public static ReadOnlyMemory<byte> ToolUse { get; } = "tool_use"u8.ToArray();

    private static readonly ReadOnlyMemory<byte> s_maxTokens = "max_tokens"u8.ToArray();

    /// <summary>Adds a block as far as <paramref name="maxTokens"/> allows; false once the answer is cut short.</summary>
    public bool Add(AnswerBlock block, long maxTokens)
    {
        var left = maxTokens - OutputTokens;
        var tokens = EscapedText.Tokens(block.Content.Length);
        if (tokens <= left)
        {
            OutputTokens += tokens;
            _blocks.Add(block);
            return true;
        }

        StopReason = s_maxTokens;
        if (left > 0 && block.Kind != BlockKind.ToolUse)
        {
            OutputTokens += (int)left;
            var cut = EscapedText.Cut(block.Content.Span, (int)left * EscapedText.BytesPerToken);
            _blocks.Add(block with { Content = block.Content[..cut] });
        }

        return false;
    }
}
