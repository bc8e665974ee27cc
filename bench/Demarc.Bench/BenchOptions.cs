using System.Globalization;

namespace Demarc.Bench;

/// <summary>What a run was asked for.</summary>
internal sealed record BenchOptions
{
    /// <summary>The sections there are, in the order they run.</summary>
    public static readonly string[] Sections = ["decision", "throughput", "latency", "memory", "startup"];

    /// <summary>Runs only when asked for: its tools slow what they look at.</summary>
    public const string Profile = "profile";

    /// <summary>Fewer and shorter measurements: a look, not a figure to quote.</summary>
    public bool Quick { get; init; }

    /// <summary>
    /// Keeps the processors from sleeping with work of the lowest class, which gives way to all other: on a virtual
    /// machine waking one costs more than a request does. Default false.
    /// </summary>
    public bool Awake { get; init; }

    /// <summary>Demarc with a developer who is signed in, a policy of models and a hard limit, in place of a key alone. Default false.</summary>
    public bool Everything { get; init; }

    /// <summary>Where the other gateways are installed; they are measured where they are.</summary>
    public string Gateways { get; init; } = "bench/gateways";

    /// <summary>The JSON file to write; default a new one under <see cref="Results"/>.</summary>
    public string? Out { get; init; }

    /// <summary>Where the published programs are.</summary>
    public string Programs { get; init; } = "artifacts/bench";

    /// <summary>Where results go that <see cref="Out"/> names no file for.</summary>
    public string Results { get; init; } = "bench/results";

    /// <summary>The sections to run; default all.</summary>
    public string[] Only { get; init; } = Sections;

    /// <summary>The targets to measure besides the pass-through; default all.</summary>
    public string[]? Targets { get; init; }

    /// <summary>Throughput: the connections to measure with; default 1, 16 and 64.</summary>
    public int[] Connections { get; init; } = [1, 16, 64];

    /// <summary>Throughput: how the names of the cases to measure begin; default all.</summary>
    public string Case { get; init; } = "";

    public bool Runs(string section) => Only.Contains(section);

    /// <summary>Whether a target is measured that is no part of every run: where it is asked for, or all are, and what it needs is there.</summary>
    public bool Measures(string target) =>
        (Targets is null || Targets.Contains(target)) && (target == Target.Volatile ? Directory.Exists("/dev/shm") : Directory.Exists(Path.Combine(Gateways, "node_modules")));

    /// <exception cref="FormatException">An argument is unknown or lacks its value.</exception>
    public static BenchOptions Parse(string[] args)
    {
        var options = new BenchOptions();
        for (var i = 0; i < args.Length; i++)
        {
            options = args[i] switch
            {
                "--quick" => options with { Quick = true },
                "--awake" => options with { Awake = true },
                "--everything" => options with { Everything = true },
                "--gateways" => options with { Gateways = Path.GetFullPath(Value(args, ref i)) },
                "--profile" => options with { Only = [Profile] },
                "--out" => options with { Out = Path.GetFullPath(Value(args, ref i)) },
                "--programs" => options with { Programs = Path.GetFullPath(Value(args, ref i)) },
                "--results" => options with { Results = Path.GetFullPath(Value(args, ref i)) },
                "--targets" => options with { Targets = Value(args, ref i).Split(',') },
                "--connections" => options with { Connections = [.. Value(args, ref i).Split(',').Select(c => int.Parse(c, CultureInfo.InvariantCulture))] },
                "--case" => options with { Case = Value(args, ref i) },
                "--only" => options with { Only = Value(args, ref i).Split(',') },
                _ => throw new FormatException($"unknown argument {args[i]}\nusage: bench/run [--quick] [--awake] [--everything] [--out FILE] [--targets NAMES] [--connections 1,16,64] [--case \"1 KB\"] [--only {string.Join(',', Sections)} | --profile]"),
            };
        }
        return options.Only.Except([.. Sections, Profile]).FirstOrDefault() is { } unknown ? throw new FormatException($"no section {unknown}") : options;
    }

    private static string Value(string[] args, ref int at) =>
        ++at < args.Length ? args[at] : throw new FormatException($"{args[at - 1]} needs a value");
}
