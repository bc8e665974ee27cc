using System.Text.Json.Serialization;

namespace Demarc.Governance.Boundaries;

/// <summary>What a platform's management API, or an answer, says of one deployment, held against its declaration.</summary>
/// <param name="Deployment"><c>resource/deployment</c>.</param>
/// <param name="Declaration"><see cref="DeploymentSnapshot.Declaration"/> of what was compared: another declaration has not been checked.</param>
/// <param name="Observed">True for what was seen on an answer, false for what was read from a management API.</param>
/// <param name="Source">Where it was read, as <c>Azure Resource Manager</c>.</param>
public sealed record BoundaryCheck(string Deployment, string Declaration, bool Observed, string Source, DateTimeOffset At, CheckedFact[] Facts)
{
    /// <summary>The activity of a mismatch, which is told as alerts are.</summary>
    public const string MismatchEvent = "demarc_boundary_mismatch";

    /// <summary>False for a mismatch, which takes the deployment out of service.</summary>
    [JsonIgnore]
    public bool Holds => Array.TrueForAll(Facts, f => f.Holds);

    /// <summary>What does not hold, for people.</summary>
    [JsonIgnore]
    public string Mismatch => string.Join("; ", Facts.Where(f => !f.Holds).Select(f => $"{f.Name} is declared as {f.Declared}, and {Source} says {f.Found}"));
}

/// <summary>One thing that was compared.</summary>
/// <param name="Name">A fact, as <c>inference.geography</c>, or a property of the deployment, as <c>model</c>.</param>
/// <param name="Values">What was found, in the fact's own words; null for what is no fact of the boundary.</param>
public sealed record CheckedFact(string Name, string Declared, string Found, bool Holds, string[]? Values = null);
