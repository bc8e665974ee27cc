using System.Buffers;

namespace Demarc.Simulator.Messages;

/// <summary>The parts of a message that whole answers and streams share, and the whole answer.</summary>
internal static class MessageWriter
{
    // Clients hand signatures back unread; this one only has to look like one.
    public static ReadOnlySpan<byte> Signature => "EqQBCgIYAhIMc2ltdWxhdG9yLXNpZ25hdHVyZS1vZi1hLXRoaW5raW5nLWJsb2Nr"u8;

    public static void WriteWhole(ArrayBufferWriter<byte> output, Answer answer, in Usage usage, string id, ReadOnlySpan<byte> model)
    {
        WriteStart(output, id, model);
        output.Write(",\"content\":["u8);
        for (var i = 0; i < answer.Blocks.Count; i++)
        {
            if (i > 0)
                output.Write(","u8);
            WriteBlock(output, answer.Blocks[i], answer.ThinkingOmitted);
        }

        output.Write("],\"stop_reason\":\""u8);
        output.Write(answer.StopReason.Span);
        output.Write("\",\"stop_sequence\":null,\"usage\":"u8);
        if (answer.Usage is { } scripted)
            output.Write(scripted);
        else
            WriteUsage(output, usage, answer.OutputTokens);
        output.Write("}"u8);
    }

    /// <summary>Opens a message object: id, type, role and model.</summary>
    public static void WriteStart(ArrayBufferWriter<byte> output, string id, ReadOnlySpan<byte> model)
    {
        output.Write("{\"id\":\""u8);
        output.PutAscii(id);
        output.Write("\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\""u8);
        output.Write(model);
        output.Write("\""u8);
    }

    public static void WriteUsage(ArrayBufferWriter<byte> output, in Usage usage, int outputTokens)
    {
        WriteCounts(output, usage, outputTokens);
        output.Write(",\"cache_creation\":{\"ephemeral_5m_input_tokens\":"u8);
        output.Put(usage.CacheOneHour ? 0 : usage.CacheCreation);
        output.Write(",\"ephemeral_1h_input_tokens\":"u8);
        output.Put(usage.CacheOneHour ? usage.CacheCreation : 0);
        output.Write("},\"service_tier\":\"standard\",\"inference_geo\":\""u8);
        output.Write(usage.Geo.Span);
        output.Write("\"}"u8);
    }

    /// <summary>Opens a usage object with its four counts; the caller closes it.</summary>
    public static void WriteCounts(ArrayBufferWriter<byte> output, in Usage usage, int outputTokens)
    {
        output.Write("{\"input_tokens\":"u8);
        output.Put(usage.Input);
        output.Write(",\"cache_creation_input_tokens\":"u8);
        output.Put(usage.CacheCreation);
        output.Write(",\"cache_read_input_tokens\":"u8);
        output.Put(usage.CacheRead);
        output.Write(",\"output_tokens\":"u8);
        output.Put(outputTokens);
    }

    /// <summary>A tool call's object up to its input.</summary>
    public static void WriteToolUse(ArrayBufferWriter<byte> output, in AnswerBlock block)
    {
        output.Write("{\"type\":\"tool_use\",\"id\":\""u8);
        output.PutAscii(Platforms.Ids.Next("toolu_01"));
        output.Write("\",\"name\":\""u8);
        output.Write(block.ToolName.Span);
        output.Write("\",\"input\":"u8);
    }

    private static void WriteBlock(ArrayBufferWriter<byte> output, in AnswerBlock block, bool thinkingOmitted)
    {
        switch (block.Kind)
        {
            case BlockKind.ToolUse:
                WriteToolUse(output, block);
                output.Write(block.Content.Span);
                output.Write("}"u8);
                break;
            case BlockKind.Thinking:
                output.Write("{\"type\":\"thinking\",\"thinking\":\""u8);
                if (!thinkingOmitted)
                    output.Write(block.Content.Span);
                output.Write("\",\"signature\":\""u8);
                output.Write(Signature);
                output.Write("\"}"u8);
                break;
            default:
                output.Write("{\"type\":\"text\",\"text\":\""u8);
                output.Write(block.Content.Span);
                output.Write("\"}"u8);
                break;
        }
    }
}
