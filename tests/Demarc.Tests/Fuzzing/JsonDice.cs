using System.Text;

namespace Demarc.Tests.Fuzzing;

/// <summary>JSON as clients and providers may write it: any order, white space and escapes, and now and then what is no JSON.</summary>
internal static class JsonDice
{
    public static string Space(Dice dice) => dice.Chance(80) ? "" : dice.Of(" ", "\n", "\r\n", "\t", "  ");

    /// <summary>A string with its quotes, some of its characters escaped.</summary>
    public static string Text(Dice dice, string text)
    {
        var output = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\')
                output.Append('\\').Append(c);
            else if (c < ' ' || dice.Chance(3))
                output.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                output.Append(c);
        }
        return output.Append('"').ToString();
    }

    /// <summary>Any string, now and then one that is none.</summary>
    public static string AnyText(Dice dice) => dice.Below(30) switch
    {
        0 => "\"\\ud83d\"",
        1 => "\"\\ude00 tail\"",
        2 => "\"cut \\ud83d",
        3 => "\"\\x\"",
        4 => Text(dice, new string('x', dice.Below(400))),
        5 => Text(dice, "\u0001\u007f\t\"\\/"),
        6 => Text(dice, "grüße 😀 中文"),
        _ => Text(dice, dice.Of("", "a", "user", "text", "hello world", "claude-sonnet-4-6", "default", "us", "null", "0", "{}", "type")),
    };

    public static string Number(Dice dice) =>
        dice.Of("0", "1", "-1", "42", "4096", "9223372036854775807", "9223372036854775808", "1e3", "1.5", "-0", "1E400", "01", "+1", ".5", "1.");

    public static string Any(Dice dice, int depth = 4) => dice.Below(depth > 0 ? 9 : 5) switch
    {
        0 => "null",
        1 => dice.Of("true", "false", "True", "nul"),
        2 => Number(dice),
        3 or 4 => AnyText(dice),
        5 or 6 => Array(dice, dice.Below(4), () => Any(dice, depth - 1)),
        7 => dice.Chance(5) ? Deep(dice) : Any(dice, depth - 1),
        _ => Object(dice, [.. Enumerable.Range(0, dice.Below(4)).Select(_ => (dice.Of("a", "type", "text", "content", "source", "url", "é"), Any(dice, depth - 1)))]),
    };

    public static string Array(Dice dice, int count, Func<string> element)
    {
        var output = new StringBuilder("[");
        for (var i = 0; i < count; i++)
            output.Append(i > 0 ? "," : "").Append(Space(dice)).Append(element()).Append(Space(dice));
        return output.Append(dice.Chance(1) ? ",]" : "]").ToString();
    }

    /// <summary>An object of these members in any order, names now and then escaped, one now and then twice.</summary>
    public static string Object(Dice dice, params (string Name, string Value)[] members)
    {
        var left = members.ToList();
        if (left.Count > 0 && dice.Chance(3))
            left.Add(dice.Of<(string, string)>(members));
        var output = new StringBuilder("{").Append(Space(dice));
        while (left.Count > 0)
        {
            var next = dice.Chance(70) ? 0 : dice.Below(left.Count);
            var (name, value) = left[next];
            left.RemoveAt(next);
            output.Append(dice.Chance(1) ? "\"\\ud800\"" : Text(dice, name)).Append(Space(dice)).Append(':').Append(Space(dice)).Append(value).Append(Space(dice));
            if (left.Count > 0)
                output.Append(',').Append(Space(dice));
        }
        return output.Append(dice.Chance(1) ? ",}" : "}").ToString();
    }

    private static string Deep(Dice dice)
    {
        var depth = dice.Of(60, 64, 250, 256, 258, 300);
        return new string('[', depth) + new string(']', depth);
    }
}
