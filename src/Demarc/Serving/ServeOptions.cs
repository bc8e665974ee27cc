namespace Demarc.Serving;

/// <summary>What <c>demarc serve</c> was asked for.</summary>
public sealed record ServeOptions
{
    /// <summary>The configuration file; null for the quickstart's own.</summary>
    public string? ConfigPath { get; init; }

    /// <summary>Where the embedded store, the master key and the quickstart file live; default <c>data</c>.</summary>
    public string DataDirectory { get; init; } = "data";

    /// <summary>In place of the configuration's <c>listen</c>.</summary>
    public string? Listen { get; init; }

    /// <summary>On an empty store, make an administrator, a developer and their keys.</summary>
    public bool Quickstart { get; init; }

    /// <summary>The simulator that the quickstart's own configuration sends requests to.</summary>
    public Uri? Simulator { get; init; }
}
