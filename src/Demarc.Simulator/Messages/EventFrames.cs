using System.Buffers;
using Demarc.Simulator.Platforms;

namespace Demarc.Simulator.Messages;

/// <summary>Frames events for the wire: server-sent events, or AWS event-stream chunks (Bedrock).</summary>
internal readonly struct EventFrames(WireAnswer wire, bool aws)
{
    /// <summary>True for server-sent events: Bedrock sends no pings.</summary>
    public bool Pings => !aws;

    /// <summary>Where the event's JSON goes, between <see cref="Begin"/> and <see cref="End"/>.</summary>
    public ArrayBufferWriter<byte> Json => aws ? wire.Scratch : wire.Bytes;

    public void Begin(ReadOnlySpan<byte> name)
    {
        if (aws)
            return;
        wire.Bytes.Write("event: "u8);
        wire.Bytes.Write(name);
        wire.Bytes.Write("\ndata: "u8);
    }

    public void End()
    {
        if (aws)
        {
            AwsEventStream.WriteChunk(wire.Bytes, wire.Scratch.WrittenSpan);
            wire.Scratch.ResetWrittenCount();
        }
        else
            wire.Bytes.Write("\n\n"u8);
        wire.EndPiece();
    }

    public void Write(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json)
    {
        Begin(name);
        Json.Write(json);
        End();
    }

    /// <summary>An error in mid-stream: an <c>error</c> event, on Bedrock an exception message.</summary>
    public void WriteError(string? type, string? message)
    {
        type ??= "overloaded_error";
        var refusal = new Refusal(200, type, message ?? (type == "overloaded_error" ? "Overloaded" : "The stream failed."));
        if (!aws)
        {
            Write("error"u8, refusal.Body(Platform.Anthropic, Ids.Next("req_01")));
            return;
        }

        var exception = type switch
        {
            "overloaded_error" => "serviceUnavailableException",
            "rate_limit_error" => "throttlingException",
            "invalid_request_error" => "validationException",
            "api_error" => "internalServerException",
            _ => "modelStreamErrorException",
        };
        AwsEventStream.WriteException(wire.Bytes, exception, refusal.Body(Platform.Bedrock, ""));
        wire.EndPiece();
    }

    /// <summary>Takes a stream's bytes as they are, cut into events at blank lines; on Bedrock their <c>data</c> is framed.</summary>
    public void WriteExact(ReadOnlySpan<byte> sse)
    {
        while (!sse.IsEmpty)
        {
            var blank = sse.IndexOf("\n\n"u8);
            var crlf = sse.IndexOf("\r\n\r\n"u8);
            var length = blank < 0 ? sse.Length : blank + 2;
            if (crlf >= 0 && crlf + 4 < length)
                length = crlf + 4;
            if (aws)
                FrameData(sse[..length]);
            else
            {
                wire.Bytes.Write(sse[..length]);
                wire.EndPiece();
            }

            sse = sse[length..];
        }
    }

    private void FrameData(ReadOnlySpan<byte> sseEvent)
    {
        foreach (var line in sseEvent.Split((byte)'\n'))
        {
            if (sseEvent[line].StartsWith("data:"u8))
                Write(default, sseEvent[line]["data:".Length..].Trim(" \r"u8));
        }
    }
}
