namespace Demarc.Governance.Wire;

/// <summary>The events of a Messages stream that Demarc looks at.</summary>
public enum SseEventKind
{
    Other,
    Ping,
    MessageStart,
    ContentBlockStart,
    ContentBlockDelta,
    ContentBlockStop,
    MessageDelta,
    MessageStop,
    Error,
}

/// <summary>
/// Finds the boundaries of server-sent events without changing a byte (WHATWG HTML, 9.2 Server-sent events:
/// lines end in LF, CRLF or CR; an empty line ends an event).
/// </summary>
public static class SseFraming
{
    /// <summary>
    /// The length of the first whole event, its empty line included; -1 when the bytes hold none yet.
    /// <paramref name="scanned"/> carries how far the search came, so that a long event is not searched twice.
    /// </summary>
    public static int EventLength(ReadOnlySpan<byte> bytes, ref int scanned)
    {
        var from = Math.Max(0, scanned - 3);
        while (true)
        {
            var found = bytes[from..].IndexOfAny((byte)'\n', (byte)'\r');
            if (found < 0)
            {
                scanned = bytes.Length;
                return -1;
            }
            var end = from + found;
            var next = AfterLine(bytes, end);
            if (next < 0 || next >= bytes.Length)
            {
                scanned = end;
                return -1;
            }
            if (bytes[next] is (byte)'\n' or (byte)'\r')
            {
                var after = AfterLine(bytes, next);
                if (after < 0)
                {
                    scanned = end;
                    return -1;
                }
                scanned = 0;
                return after;
            }
            from = next;
        }
    }

    /// <summary>The event's kind, by its <c>event:</c> field.</summary>
    public static SseEventKind Kind(ReadOnlySpan<byte> sse)
    {
        var name = Field(sse, "event"u8).Of(sse);
        return name.Length switch
        {
            4 when name.SequenceEqual("ping"u8) => SseEventKind.Ping,
            5 when name.SequenceEqual("error"u8) => SseEventKind.Error,
            12 when name.SequenceEqual("message_stop"u8) => SseEventKind.MessageStop,
            13 when name.SequenceEqual("message_start"u8) => SseEventKind.MessageStart,
            13 when name.SequenceEqual("message_delta"u8) => SseEventKind.MessageDelta,
            19 when name.SequenceEqual("content_block_start"u8) => SseEventKind.ContentBlockStart,
            19 when name.SequenceEqual("content_block_delta"u8) => SseEventKind.ContentBlockDelta,
            18 when name.SequenceEqual("content_block_stop"u8) => SseEventKind.ContentBlockStop,
            _ => SseEventKind.Other,
        };
    }

    /// <summary>
    /// The event's first <c>data:</c> field, which in a Messages stream is all of its data; empty when there is none.
    /// </summary>
    public static Slice Data(ReadOnlySpan<byte> sse) => Field(sse, "data"u8);

    private static Slice Field(ReadOnlySpan<byte> sse, ReadOnlySpan<byte> field)
    {
        var start = 0;
        while (start < sse.Length)
        {
            var found = sse[start..].IndexOfAny((byte)'\n', (byte)'\r');
            var end = found < 0 ? sse.Length : start + found;
            var line = sse[start..end];
            if (line.Length > field.Length && line.StartsWith(field) && line[field.Length] == ':')
            {
                var value = start + field.Length + 1;
                if (value < end && sse[value] == ' ')
                    value++;
                return new Slice(value, end - value);
            }
            start = end + 1;
        }
        return default;
    }

    // The index behind the line end at that place; -1 when a CR is last and an LF may follow.
    private static int AfterLine(ReadOnlySpan<byte> bytes, int end)
    {
        if (bytes[end] == '\n')
            return end + 1;
        if (end + 1 == bytes.Length)
            return -1;
        return bytes[end + 1] == '\n' ? end + 2 : end + 1;
    }
}
