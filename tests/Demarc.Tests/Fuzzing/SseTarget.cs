using System.Text;
using System.Text.RegularExpressions;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>However a stream is cut into reads, its events are the same, and are those that a reading of it by lines finds.</summary>
internal sealed partial class SseTarget : FuzzTarget
{
    public override string Name => "sse";

    public override string[] Pieces => ["\n\n", "\r\n\r\n", "\r\r", "\r", "\n", "event: ping\n", "data: {}\n", "data:", ":", "event: message_stop\r\n"];

    public override byte[] Generate(Dice dice)
    {
        var end = dice.Of("\n", "\r\n", "\r");
        return Encoding.UTF8.GetBytes(Dice.Repeat(dice.Below(6), () => Dice.Repeat(dice.Below(4), () => Line(dice) + (dice.Chance(90) ? end : dice.Of("\n", "\r\n", "\r"))) + end));
    }

    public override void Check(byte[] input)
    {
        var expected = Events(input);
        Assert.Equal(expected, Framed(input, () => int.MaxValue));
        var dice = Dice.Of(input);
        Assert.Equal(expected, Framed(input, () => 1 + dice.Below(5)));
        var at = 0;
        foreach (var length in expected)
        {
            var sse = input[at..(at + length)];
            var lines = LineEnd().Split(Encoding.Latin1.GetString(sse));
            Assert.Equal(Field(lines, "data") ?? "", Encoding.Latin1.GetString(SseFraming.Data(sse).Of(sse)));
            Assert.Equal(Field(lines, "event") == "message_stop", SseFraming.Kind(sse) == SseEventKind.MessageStop);
            at += length;
        }
    }

    // The lengths of the events, as a relay finds them whose reads bring so many bytes each.
    private static List<int> Framed(byte[] input, Func<int> read)
    {
        var found = new List<int>();
        int start = 0, filled = 0, scanned = 0;
        while (filled < input.Length)
        {
            filled = (int)Math.Min(input.Length, filled + (long)read());
            while (SseFraming.EventLength(input.AsSpan(start, filled - start), ref scanned) is > 0 and var length)
            {
                found.Add(length);
                start += length;
            }
        }
        return found;
    }

    // Up to the end of each empty line; a carriage return at the very end may be half of a line's end.
    private static List<int> Events(byte[] input)
    {
        var text = Encoding.Latin1.GetString(input);
        var (found, start, line) = (new List<int>(), 0, 0);
        foreach (Match end in LineEnd().Matches(text))
        {
            var after = end.Index + end.Length;
            if (after == text.Length && end.Value == "\r")
                break;
            if (end.Index == line && line > start)
            {
                found.Add(after - start);
                start = after;
            }
            line = after;
        }
        return found;
    }

    private static string? Field(string[] lines, string name) =>
        Array.Find(lines, l => l.StartsWith(name + ":", StringComparison.Ordinal)) is { } line ? line[(name.Length + 1)..] is [' ', .. var rest] ? rest : line[(name.Length + 1)..] : null;

    private static string Line(Dice dice) => dice.Below(8) switch
    {
        0 => ": comment",
        1 => "id: 7",
        2 => "data",
        3 or 4 => "event: " + dice.Of("ping", "message_start", "message_delta", "message_stop", "message_stop2", ""),
        _ => "data: " + JsonDice.Any(dice, 2).ReplaceLineEndings(" "),
    };

    [GeneratedRegex("\r\n|\r|\n")]
    private static partial Regex LineEnd();
}
