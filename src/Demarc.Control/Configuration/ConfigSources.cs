using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>What reading a configuration may look at beside the file itself.</summary>
/// <param name="Variable">The value of an environment variable, null when it is not set.</param>
/// <param name="ReadFile">The bytes of a file at an absolute path; throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</param>
public sealed record ConfigSources(Func<string, string?> Variable, Func<string, byte[]> ReadFile)
{
    /// <summary>This process's environment and the file system.</summary>
    public static ConfigSources Process { get; } = new(Environment.GetEnvironmentVariable, File.ReadAllBytes);

    /// <summary>Where the default store lies (<c>--data</c>), relative to the working directory; default <c>data</c>.</summary>
    public string DataDirectory { get; init; } = "data";

    /// <summary>The catalog that came with the program; null for not checking the words of facts, regions and features.</summary>
    public Catalog? Catalog { get; init; }

    /// <summary>Whether the catalog has a model id; a model that it has not is a warning.</summary>
    public Func<string, bool> KnownModel { get; init; } = static _ => true;
}
