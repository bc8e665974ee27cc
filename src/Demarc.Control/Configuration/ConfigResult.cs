namespace Demarc.Control.Configuration;

/// <summary>What came of reading a configuration file.</summary>
public sealed class ConfigResult
{
    /// <summary>The configuration; null when any problem is an error.</summary>
    public required DemarcConfig? Config { get; init; }

    /// <summary>Every problem, in the order of the file.</summary>
    public required IReadOnlyList<ConfigProblem> Problems { get; init; }

    /// <summary><c>sha256:…</c> (hex) of the file's bytes as written; empty when it could not be read.</summary>
    public required string Hash { get; init; }

    /// <summary>Each file that was read, by absolute path, with a hash of what it held then: a reload compares them.</summary>
    internal FileHashes Files { get; init; } = new();

    /// <summary>A hash of what is written under each key, see <see cref="StartKeys"/>.</summary>
    internal IReadOnlyDictionary<string, string> Written { get; init; } = new Dictionary<string, string>();

    /// <summary>The same with other problems.</summary>
    public ConfigResult With(IReadOnlyList<ConfigProblem> problems) => new() { Config = Config, Problems = problems, Hash = Hash, Files = Files, Written = Written };
}
