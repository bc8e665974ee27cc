using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Demarc.Governance.Evidence;

/// <summary>
/// Turns a message's content into the blocks a transcript shows. Thinking is shown where policy had it captured, marked as such; a block of a kind that has no
/// shape of its own stands as <c>[kind content not shown]</c>. Reads whatever a client may have sent: nothing throws.
/// </summary>
internal static class TranscriptContent
{
    private const int MaxKindLength = 64;

    public static void Read(JsonElement content, TranscriptLimits limits, IReadOnlyDictionary<string, string> toolNames, bool thinking, List<TranscriptBlock> blocks)
    {
        if (content.ValueKind == JsonValueKind.String)
            blocks.Add(Text(content, omitted: false));
        else if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var block in content.EnumerateArray())
            {
                if (Block(block, limits, toolNames, thinking) is { } shown)
                    blocks.Add(shown);
            }
        }
    }

    /// <summary>The ids and names of the tools that a message calls.</summary>
    public static IEnumerable<(string Id, string Name)> ToolCalls(JsonElement content)
    {
        if (content.ValueKind != JsonValueKind.Array)
            yield break;
        foreach (var block in content.EnumerateArray())
        {
            if (Kind(block).EndsWith("tool_use", StringComparison.Ordinal) && String(block, "id") is { } id && String(block, "name") is { } name)
                yield return (id, name);
        }
    }

    /// <summary>What a message carries beside text, in tool results too, in the order in which it stands.</summary>
    public static IEnumerable<TranscriptAttachment> Attachments(JsonElement content)
    {
        if (content.ValueKind != JsonValueKind.Array)
            yield break;
        foreach (var block in content.EnumerateArray().Where(b => b.ValueKind == JsonValueKind.Object))
        {
            if (block.TryGetProperty("source", out var source) && String(source, "type") == "base64" && String(source, "data") is { } id && CapturedContent.TryName(id, out _))
                yield return new TranscriptAttachment(id, Kind(block), String(source, "media_type"), String(block, "title"));
            if (!block.TryGetProperty("content", out var inner))
                continue;
            foreach (var attachment in Attachments(inner))
                yield return attachment;
        }
    }

    /// <summary>A field's string; null when it is absent or of another kind.</summary>
    public static string? String(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? Lenient(value) : null;

    private static TranscriptBlock? Block(JsonElement block, TranscriptLimits limits, IReadOnlyDictionary<string, string> toolNames, bool showsThinking)
    {
        var kind = Kind(block);
        return kind switch
        {
            "thinking" when showsThinking && String(block, "thinking") is { Length: > 0 } thought => new TextBlock("[thinking] " + thought, Truncated: false),
            "thinking" or "redacted_thinking" => null,
            "text" when block.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String => Text(text, HasCitations(block)),
            "tool_use" or "server_tool_use" or "mcp_tool_use" => ToolUse(block, limits),
            _ when kind.EndsWith("tool_result", StringComparison.Ordinal) => ToolResult(block, kind, limits, toolNames),
            _ => new TextBlock($"[{kind} content not shown]", Truncated: true),
        };
    }

    private static TextBlock Text(JsonElement text, bool omitted)
    {
        var shown = Cut(Lenient(text), TranscriptLimits.Max, "", out var cut);
        return new TextBlock(shown, cut || omitted);
    }

    private static bool HasCitations(JsonElement block) =>
        block.TryGetProperty("citations", out var citations) && citations.ValueKind == JsonValueKind.Array && citations.GetArrayLength() > 0;

    private static ToolUseBlock ToolUse(JsonElement block, TranscriptLimits limits)
    {
        var hasInput = block.TryGetProperty("input", out var input);
        // A string is what was left of an input whose stream broke (see AnswerContent).
        var broken = hasInput && input.ValueKind == JsonValueKind.String;
        var text = !hasInput ? "{}" : broken ? Lenient(input) : Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(input));
        var shown = Cut(text, limits.ToolInputBytes, Suffix("tool_use_input_max_bytes"), out var cut);
        return new ToolUseBlock(String(block, "id"), String(block, "name") ?? "unknown", shown, cut || broken);
    }

    private static ToolResultBlock ToolResult(JsonElement block, string kind, TranscriptLimits limits, IReadOnlyDictionary<string, string> toolNames)
    {
        var id = String(block, "tool_use_id");
        var name = id is not null && toolNames.TryGetValue(id, out var called) ? called
            : kind is "tool_result" or "mcp_tool_result" ? "unknown"
            : kind[..^"_tool_result".Length];
        var isError = block.TryGetProperty("is_error", out var error) && error.ValueKind == JsonValueKind.True;
        var texts = new List<string>();
        var truncated = false;
        var others = 0;
        if (block.TryGetProperty("content", out var content))
        {
            if (content.ValueKind == JsonValueKind.String)
                Add(content);
            else if (content.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in content.EnumerateArray())
                {
                    if (Kind(item) == "text" && item.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                        Add(text);
                    else
                        others++;
                }
            }
            else if (content.ValueKind == JsonValueKind.Object)
                others++;
        }
        if (others > 0)
            texts.Add(string.Create(CultureInfo.InvariantCulture, $"[{others} non-text item(s) not shown]"));
        return new ToolResultBlock(id, name, isError, texts, truncated || others > 0);

        void Add(JsonElement text)
        {
            texts.Add(Cut(Lenient(text), limits.ToolResultBytes, Suffix("tool_result_max_bytes"), out var cut));
            truncated |= cut;
        }
    }

    private static string Kind(JsonElement block) =>
        String(block, "type") is { Length: > 0 } kind ? kind.Length <= MaxKindLength ? kind : kind[..MaxKindLength] : "unknown";

    private static string Suffix(string parameter) => $"…[truncated; pass {parameter}=-1 for the server max]";

    /// <summary>Cuts to so many bytes of UTF-8, between code points; at the bound of any string no parameter helps, and none is named.</summary>
    private static string Cut(string text, int maxBytes, string suffix, out bool cut)
    {
        cut = text.Length > maxBytes / 3 && Encoding.UTF8.GetByteCount(text) > maxBytes;
        if (!cut)
            return text;
        var end = 0;
        var bytes = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > maxBytes)
                break;
            end += rune.Utf16SequenceLength;
        }
        return maxBytes >= TranscriptLimits.Max ? text[..end] : text[..end] + suffix;
    }

    /// <summary>A string even where the client sent bytes or escapes that are no text; those show as U+FFFD or as they were written.</summary>
    private static string Lenient(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            var raw = JsonMarshal.GetRawUtf8Value(text);
            var decoded = Encoding.UTF8.GetString(raw[1..^1]);
            try
            {
                return JsonElement.Parse($"\"{decoded}\"").GetString()!;
            }
            catch (Exception e) when (e is InvalidOperationException or JsonException)
            {
                return decoded;
            }
        }
    }
}
