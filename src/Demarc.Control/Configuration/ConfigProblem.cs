using System.Text.Json.Serialization;

namespace Demarc.Control.Configuration;

/// <summary>Whether a problem keeps the configuration from being used.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ConfigSeverity>))]
public enum ConfigSeverity
{
    /// <summary>The configuration is not used.</summary>
    [JsonStringEnumMemberName("error")]
    Error,

    /// <summary>The configuration is used, and the operator is told.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,
}

/// <summary>Something wrong, or unwise, in a configuration file. Never carries the value of a secret.</summary>
/// <param name="Path">The field, for example <c>resources[0].deployments[2].hosting</c>; empty for the whole file.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Message">What is wrong and what is accepted.</param>
public sealed record ConfigProblem(string Path, int Line, int Column, ConfigSeverity Severity, string Message);
