using System.Globalization;

namespace Demarc.Simulator;

/// <summary>The executable's arguments; throws <see cref="FormatException"/> naming the one that is wrong.</summary>
internal static class CommandLine
{
    public static SimulatorOptions Parse(string[] args, SimulatorOptions options)
    {
        var keys = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            options = args[i] switch
            {
                "--listen" => options with { Listen = Value(args, ref i) },
                "--latency-ms" => options with { LatencyMs = Milliseconds(Value(args, ref i)) },
                "--no-log" => options with { KeepLog = false },
                "--key" => Key(Value(args, ref i)),
                _ => throw new FormatException($"unknown argument {args[i]}"),
            };
        }

        return options with { Keys = keys };

        SimulatorOptions Key(string key)
        {
            keys.Add(key);
            return options;
        }
    }

    private static string Value(string[] args, ref int at) =>
        ++at < args.Length ? args[at] : throw new FormatException($"{args[at - 1]} needs a value");

    private static int Milliseconds(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            ? milliseconds
            : throw new FormatException($"--latency-ms takes whole milliseconds, not {value}");
}
