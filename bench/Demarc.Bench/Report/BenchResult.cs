namespace Demarc.Bench.Report;

/// <summary>Everything that one run measured; its JSON is this.</summary>
internal sealed class BenchResult
{
    public required string At { get; init; }

    public required string Machine { get; init; }

    public required bool Quick { get; init; }

    /// <summary>Whether the processors were kept from sleeping.</summary>
    public required bool Awake { get; init; }

    /// <summary>Nanoseconds of one decision, each on a cache hit.</summary>
    public List<DecisionRow> Decisions { get; } = [];

    public List<ThroughputRow> Throughput { get; } = [];

    /// <summary>Average size of the records that the commit loops imitate.</summary>
    public int RecordBytes { get; set; }

    public List<LatencyRow> Latency { get; } = [];

    public List<MemoryRow> Memory { get; } = [];

    /// <summary>Bytes, five seconds after the last request.</summary>
    public long MemoryAfter { get; set; }

    /// <summary>Bytes.</summary>
    public long MemoryPeak { get; set; }

    /// <summary>On an empty folder: migrations, keys, and people are made.</summary>
    public double FirstStartMs { get; set; }

    public List<double> StartMs { get; } = [];

    public List<Verdict> Verdicts { get; } = [];

    /// <summary>What did not work, if anything.</summary>
    public List<string> Failures { get; } = [];
}

/// <summary>Median of the rounds, and bytes that one decision allocated.</summary>
internal sealed record DecisionRow(string Case, double Nanoseconds, double Bytes);

/// <summary>Median round of one target.</summary>
/// <param name="P50">Microseconds.</param>
/// <param name="P99">Microseconds.</param>
/// <param name="Ratio">Requests a second, as a part of the pass-through's.</param>
/// <param name="RestSeconds">The longest that the machine took to rest afterwards: work left behind.</param>
internal sealed record ThroughputRow(
    string Case, int Connections, string Target, double PerSecond, long P50, long P99, long StatusErrors, long SocketErrors, double Ratio, double RestSeconds);

/// <summary>Microseconds added to the upstream's own time, and of one commit of the target's store meanwhile.</summary>
internal sealed record LatencyRow(
    string Case, string Target, int Count, double FirstP50, double FirstP99, double LastP50, double LastP99, double? CommitP50, double? CommitP99);

/// <summary>Resident bytes after that many requests.</summary>
internal sealed record MemoryRow(int Requests, long Bytes);

/// <summary>A target of the design and what was measured.</summary>
internal sealed record Verdict(string What, string Measured, string Wanted, bool Pass);
