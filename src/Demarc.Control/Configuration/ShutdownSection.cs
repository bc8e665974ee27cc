using System.Globalization;

namespace Demarc.Control.Configuration;

/// <summary>How a process ends that is asked to.</summary>
/// <param name="Notice">How long it says at <c>/readyz</c> that it ends and takes requests as before, so that load balancers look away first; default none.</param>
/// <param name="Streams">How long answers under way may take after that; longer ones are cut, and settled as such; default 30 s.</param>
public sealed record ShutdownConfig(TimeSpan Notice, TimeSpan Streams)
{
    public static readonly ShutdownConfig Default = new(TimeSpan.Zero, TimeSpan.FromSeconds(30));
}

/// <summary>The key <c>shutdown</c>.</summary>
internal static class ShutdownSection
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    public static ShutdownConfig Read(ConfigNode? node, ConfigReading reading) =>
        MapReader.Open(node, reading, ["notice", "streams"]) is { } map
            ? new ShutdownConfig(
                Time(map.Text("notice"), reading) ?? ShutdownConfig.Default.Notice,
                Time(map.Text("streams"), reading) ?? ShutdownConfig.Default.Streams)
            : ShutdownConfig.Default;

    private static TimeSpan? Time(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (node.Value is [.. var number, 's' or 'm'] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            var time = TimeSpan.FromSeconds((long)count * (node.Value[^1] == 's' ? 1 : 60));
            if (time <= Longest)
                return time;
        }
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no time; accepted: 0s to 60m, in seconds or minutes, for example 5s or 10m");
        return null;
    }
}
