using Demarc.Control.Configuration;
using Demarc.Governance.Policy;

namespace Demarc.Control.Resources;

/// <summary>Which aliases can be made or moved as data, beside those that the configuration names.</summary>
public static class AliasRules
{
    private const int MostTargets = 20;

    /// <summary>Where the configuration names the alias (<c>file:line</c>), which makes it read-only; null where it does not.</summary>
    public static string? PlaceOf(GatewaySnapshot snapshot, string name) => snapshot.Aliases.FirstOrDefault(a => a.Name == name)?.Place;

    /// <summary>Why a name cannot be an alias; null when it can.</summary>
    public static string? NameProblem(string name) =>
        NameRules.IsDeployment(name) ? null : $"this is no alias name. Give {NameRules.DeploymentRule}.";

    /// <summary>Why an alias cannot stand for these deployments; null when it can.</summary>
    public static string? TargetsProblem(GatewaySnapshot snapshot, IReadOnlyList<string> targets)
    {
        if (targets.Count is 0 or > MostTargets)
            return $"give 1 to {MostTargets} deployments as resource/deployment, in the order in which they are asked.";
        var known = snapshot.Resources.SelectMany(r => r.Deployments).Select(d => d.FullName).ToArray();
        if (targets.FirstOrDefault(t => !known.Contains(t)) is { } unknown)
            return $"there is no deployment {ConfigText.Quote(unknown)}. {(known.Length == 0 ? "No resource is configured." : $"There are: {string.Join(", ", known)}.")}";
        return targets.Distinct().Count() < targets.Count ? "a deployment is named twice. Name each once." : null;
    }
}
