using System.Globalization;
using System.Text;
using System.Text.Json;
using Demarc.Simulator.Scripts;

namespace Demarc.Simulator.Messages;

/// <summary>
/// Decides what to answer: what a rule says; else a call of <c>Bash</c> when the user asks to <c>run ls</c>, a count of the
/// listing when its result comes back, an instance of the schema when one is asked for, and an echo otherwise.
/// </summary>
internal static class AnswerChoice
{
    private const int EchoBytes = 200;

    private static readonly ReadOnlyMemory<byte> s_echo = "Echo: "u8.ToArray();
    private static readonly ReadOnlyMemory<byte> s_announce = "I'll list the files."u8.ToArray();
    private static readonly ReadOnlyMemory<byte> s_bash = "Bash"u8.ToArray();
    private static readonly ReadOnlyMemory<byte> s_ls = """{"command":"ls","description":"List files"}"""u8.ToArray();

    public static Answer Choose(in MessageFacts facts, ReadOnlyMemory<byte> body, PreparedRule? rule)
    {
        var maxTokens = facts.MaxTokens ?? long.MaxValue;
        var answer = new Answer { Deltas = rule?.Rule.Deltas, Usage = rule?.Usage, ThinkingOmitted = facts.ThinkingOmitted };
        var goesOn = true;

        if (facts.Thinking && rule?.Thinking is { } thinking)
            goesOn = answer.Add(new(BlockKind.Thinking, thinking), maxTokens);
        if (goesOn && rule is { Text: not null } or { ToolName: not null })
            AddScripted(answer, rule, maxTokens);
        else if (goesOn)
            AddOwn(answer, facts, body, maxTokens);
        if (rule?.StopReason is { } stop)
            answer.StopReason = stop;
        return answer;
    }

    private static void AddScripted(Answer answer, PreparedRule rule, long maxTokens)
    {
        var goesOn = rule.Text is null || answer.Add(new(BlockKind.Text, rule.Text), maxTokens);
        if (!goesOn || rule.ToolInput is null)
            return;
        answer.StopReason = Answer.ToolUse;
        answer.Add(new(BlockKind.ToolUse, rule.ToolInput, rule.ToolName), maxTokens);
    }

    private static void AddOwn(Answer answer, in MessageFacts facts, ReadOnlyMemory<byte> body, long maxTokens)
    {
        if (facts.EndsWithToolResult)
        {
            var lines = CountLines(body[facts.ToolResult]);
            var text = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"The listing has {lines} lines."));
            answer.Add(new(BlockKind.Text, text), maxTokens);
            return;
        }

        var asked = body[facts.UserText];
        if (facts.HasBash && asked.Span.IndexOf("run ls"u8) >= 0)
        {
            if (!answer.Add(new(BlockKind.Text, s_announce), maxTokens))
                return;
            answer.StopReason = Answer.ToolUse;
            answer.Add(new(BlockKind.ToolUse, s_ls, s_bash), maxTokens);
            return;
        }

        answer.Add(new(BlockKind.Text, facts.Schema.Equals(default) ? Echo(asked.Span) : SchemaSample.Write(body[facts.Schema])), maxTokens);
    }

    private static byte[] Echo(ReadOnlySpan<byte> asked)
    {
        var start = asked[..EscapedText.Cut(asked, EchoBytes)];
        var text = new byte[s_echo.Length + start.Length];
        s_echo.CopyTo(text);
        start.CopyTo(text.AsSpan(s_echo.Length));
        return text;
    }

    /// <summary>Lines of a tool result, which is a string or a list of text blocks; a trailing line end adds none.</summary>
    private static int CountLines(ReadOnlyMemory<byte> content)
    {
        if (content.IsEmpty)
            return 0;
        using var document = JsonDocument.Parse(content);
        var text = document.RootElement.ValueKind == JsonValueKind.String
            ? document.RootElement.GetString()!
            : string.Join('\n', document.RootElement.EnumerateArray()
                .Where(block => block.TryGetProperty("text", out _))
                .Select(block => block.GetProperty("text").GetString()));
        text = text.TrimEnd('\n');
        return text.Length == 0 ? 0 : text.Count(character => character == '\n') + 1;
    }
}
