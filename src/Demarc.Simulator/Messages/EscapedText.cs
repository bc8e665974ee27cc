namespace Demarc.Simulator.Messages;

/// <summary>Cuts JSON-escaped UTF-8 text without breaking a character or an escape.</summary>
internal static class EscapedText
{
    /// <summary>Bytes that one token stands for, in answers and in prompts.</summary>
    public const int BytesPerToken = 4;

    public static int Tokens(int bytes) => Math.Max(1, (bytes + BytesPerToken - 1) / BytesPerToken);

    /// <summary>The most bytes, <paramref name="limit"/> at most, after which the text can be cut.</summary>
    public static int Cut(ReadOnlySpan<byte> text, int limit)
    {
        if (text.Length <= limit)
            return text.Length;
        var at = 0;
        while (at < limit)
        {
            var next = at + UnitLength(text[at..]);
            if (next > limit)
                break;
            at = next;
        }

        return at;
    }

    private static int UnitLength(ReadOnlySpan<byte> text) => text[0] switch
    {
        (byte)'\\' when text[1] == 'u' => IsHighSurrogate(text) ? 12 : 6,
        (byte)'\\' => 2,
        < 0x80 => 1,
        < 0xE0 => 2,
        < 0xF0 => 3,
        _ => 4,
    };

    private static bool IsHighSurrogate(ReadOnlySpan<byte> escape) =>
        escape.Length >= 12 && escape[2] is (byte)'d' or (byte)'D' && escape[3] is (byte)'8' or (byte)'9' or (byte)'a' or (byte)'A' or (byte)'b' or (byte)'B';
}
