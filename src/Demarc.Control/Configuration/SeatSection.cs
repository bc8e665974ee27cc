using System.Globalization;
using Demarc.Storage.Directory;

namespace Demarc.Control.Configuration;

/// <summary>Who may sign in, where that is counted.</summary>
/// <param name="Help">What somebody without a seat is told to do; null for to ask an administrator.</param>
public sealed record SeatConfig(SeatRules Rules, string? Help);

/// <summary>The key <c>seats</c>.</summary>
internal static class SeatSection
{
    private const int MostHelp = 300;

    public static SeatConfig? Read(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["groups", "maximum", "help"]) is not { } map)
            return null;
        int? maximum = null;
        if (map.Text("maximum") is { } text)
        {
            if (int.TryParse(text.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
                maximum = number;
            else
                reading.Error(text, $"{ConfigText.Quote(text.Value)} is no number of seats; accepted: a whole number from 1, or leave it out for no end");
        }
        var help = map.Text("help");
        if (help?.Value.Length > MostHelp)
            reading.Error(help, $"{help.Value.Length} characters; accepted: at most {MostHelp}");
        return new SeatConfig(new SeatRules([.. reading.Texts(map.Get("groups")).Select(g => g.Value)], maximum), help?.Value);
    }
}
