using System.Buffers;

namespace Demarc.Simulator.Messages;

/// <summary>An answer as the events of a stream (page "Streaming messages").</summary>
internal static class EventWriter
{
    private const int UsualDeltas = 6;
    private const int UsualDeltaBytes = 24;

    // The longest unit that must stay whole: an escaped surrogate pair.
    private const int LongestUnit = 12;

    public static void Write(EventFrames frames, Answer answer, in Usage usage, string id, ReadOnlySpan<byte> model)
    {
        frames.Begin("message_start"u8);
        frames.Json.Write("{\"type\":\"message_start\",\"message\":"u8);
        MessageWriter.WriteStart(frames.Json, id, model);
        frames.Json.Write(",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"u8);
        MessageWriter.WriteUsage(frames.Json, usage, Math.Min(1, answer.OutputTokens));
        frames.Json.Write("}}"u8);
        frames.End();

        for (var i = 0; i < answer.Blocks.Count; i++)
            WriteBlock(frames, answer, i);
        WriteMessageDelta(frames, answer, usage);
        WriteMessageStop(frames, answer, usage);
    }

    private static void WriteBlock(EventFrames frames, Answer answer, int index)
    {
        var block = answer.Blocks[index];
        Begin(frames, "content_block_start"u8, index, ",\"content_block\":"u8);
        switch (block.Kind)
        {
            case BlockKind.ToolUse:
                MessageWriter.WriteToolUse(frames.Json, block);
                frames.Json.Write("{}}"u8);
                break;
            case BlockKind.Thinking:
                frames.Json.Write("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"u8);
                break;
            default:
                frames.Json.Write("{\"type\":\"text\",\"text\":\"\"}"u8);
                break;
        }

        frames.Json.Write("}"u8);
        frames.End();
        if (index == 0 && frames.Pings)
            frames.Write("ping"u8, "{\"type\":\"ping\"}"u8);

        WriteDeltas(frames, answer, block, index);
        Begin(frames, "content_block_stop"u8, index, "}"u8);
        frames.End();
    }

    private static void WriteDeltas(EventFrames frames, Answer answer, in AnswerBlock block, int index)
    {
        switch (block.Kind)
        {
            case BlockKind.ToolUse:
                WriteInput(frames, block.Content.Span, index);
                break;
            case BlockKind.Thinking:
                if (!answer.ThinkingOmitted)
                    WritePieces(frames, block.Content.Span, null, index, ",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\""u8);
                Begin(frames, "content_block_delta"u8, index, ",\"delta\":{\"type\":\"signature_delta\",\"signature\":\""u8);
                frames.Json.Write(MessageWriter.Signature);
                frames.Json.Write("\"}}"u8);
                frames.End();
                break;
            default:
                WritePieces(frames, block.Content.Span, answer.Deltas, index, ",\"delta\":{\"type\":\"text_delta\",\"text\":\""u8);
                break;
        }
    }

    private static void WritePieces(EventFrames frames, ReadOnlySpan<byte> text, int? deltas, int index, ReadOnlySpan<byte> opening)
    {
        var left = deltas ?? Math.Clamp(text.Length / UsualDeltaBytes, 1, UsualDeltas);
        for (; left > 0 && text.Length > 0; left--)
        {
            var cut = left == 1 ? text.Length : EscapedText.Cut(text, text.Length / left);
            if (cut == 0)
                cut = EscapedText.Cut(text, LongestUnit);
            Begin(frames, "content_block_delta"u8, index, opening);
            frames.Json.Write(text[..cut]);
            frames.Json.Write("\"}}"u8);
            frames.End();
            text = text[cut..];
        }
    }

    /// <summary>A tool's input comes as pieces of JSON text; the first one is empty.</summary>
    private static void WriteInput(EventFrames frames, ReadOnlySpan<byte> input, int index)
    {
        var escaped = System.Text.Json.JsonEncodedText.Encode(input).EncodedUtf8Bytes;
        Begin(frames, "content_block_delta"u8, index, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\"}}"u8);
        frames.End();
        WritePieces(frames, escaped, 2, index, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\""u8);
    }

    private static void WriteMessageDelta(EventFrames frames, Answer answer, in Usage usage)
    {
        frames.Begin("message_delta"u8);
        frames.Json.Write("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""u8);
        frames.Json.Write(answer.StopReason.Span);
        frames.Json.Write("\",\"stop_sequence\":null},\"usage\":"u8);
        if (answer.Usage is { } scripted)
            frames.Json.Write(scripted);
        else
        {
            MessageWriter.WriteCounts(frames.Json, usage, answer.OutputTokens);
            frames.Json.Write("}"u8);
        }

        frames.Json.Write("}"u8);
        frames.End();
    }

    private static void WriteMessageStop(EventFrames frames, Answer answer, in Usage usage)
    {
        frames.Begin("message_stop"u8);
        frames.Json.Write("{\"type\":\"message_stop\""u8);
        if (!frames.Pings)
        {
            // Bedrock's last chunk carries the metrics of the invocation.
            frames.Json.Write(",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":"u8);
            frames.Json.Put(usage.Input);
            frames.Json.Write(",\"outputTokenCount\":"u8);
            frames.Json.Put(answer.OutputTokens);
            frames.Json.Write(",\"invocationLatency\":1,\"firstByteLatency\":1,\"cacheReadInputTokenCount\":"u8);
            frames.Json.Put(usage.CacheRead);
            frames.Json.Write(",\"cacheWriteInputTokenCount\":"u8);
            frames.Json.Put(usage.CacheCreation);
            frames.Json.Write("}"u8);
        }

        frames.Json.Write("}"u8);
        frames.End();
    }

    private static void Begin(EventFrames frames, ReadOnlySpan<byte> name, int index, ReadOnlySpan<byte> rest)
    {
        frames.Begin(name);
        frames.Json.Write("{\"type\":\""u8);
        frames.Json.Write(name);
        frames.Json.Write("\",\"index\":"u8);
        frames.Json.Put(index);
        frames.Json.Write(rest);
    }
}
