using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Demarc.Simulator.Scripts;

/// <summary>A rule with its texts encoded once, and its count of requests.</summary>
internal sealed class PreparedRule
{
    private int _count;

    public PreparedRule(ScriptRule rule)
    {
        Rule = rule;
        Text = Escape(rule.Text) ?? (rule.Deltas is { } deltas ? Ticks(deltas) : null);
        Thinking = Escape(rule.Thinking);
        ToolName = Escape(rule.ToolUse?.Name);
        ToolInput = Raw(rule.ToolUse?.Input.GetRawText());
        StopReason = Escape(rule.StopReason);
        Usage = Raw(rule.Usage?.GetRawText());
        Sse = Raw(rule.Sse);
        Body = Raw(rule.Body);
    }

    public ScriptRule Rule { get; }

    public byte[]? Text { get; }

    public byte[]? Thinking { get; }

    public byte[]? ToolName { get; }

    public byte[]? ToolInput { get; }

    public byte[]? StopReason { get; }

    public byte[]? Usage { get; }

    public byte[]? Sse { get; }

    public byte[]? Body { get; }

    /// <summary>Counts one more request; true when it falls in the rule's window.</summary>
    public bool Count()
    {
        var number = Interlocked.Increment(ref _count);
        return number >= Rule.From && (Rule.Times is not { } times || number < (long)Rule.From + times);
    }

    // Four bytes, so that a delta is one token of the simulator's measure.
    private static byte[] Ticks(int deltas)
    {
        var text = new byte[deltas * 4];
        for (var i = 0; i < deltas; i++)
            "tick"u8.CopyTo(text.AsSpan(i * 4));
        return text;
    }

    private static byte[]? Escape(string? text) =>
        text is null ? null : JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.ToArray();

    private static byte[]? Raw(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);
}
