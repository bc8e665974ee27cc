using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Storage.Directory;

namespace Demarc.Control.Resources;

/// <summary>The configuration's aliases with those that are data. What the configuration names wins.</summary>
public static class AliasMerge
{
    /// <param name="missing">Told of each alias with the targets that the configuration does not have.</param>
    public static GatewaySnapshot With(this GatewaySnapshot configured, IEnumerable<StoredAlias> stored, Action<string, string[]>? missing = null)
    {
        var deployments = configured.Resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName, StringComparer.Ordinal);
        var aliases = new List<AliasSnapshot>(configured.Aliases);
        foreach (var alias in stored.Where(s => configured.Aliases.All(a => a.Name != s.Name)))
        {
            string[] absent = [.. alias.Targets.Concat(alias.Staged?.Targets ?? []).Where(t => !deployments.ContainsKey(t)).Distinct()];
            if (absent.Length > 0)
                missing?.Invoke(alias.Name, absent);
            var targets = Targets(deployments, alias.Targets);
            var staged = Targets(deployments, alias.Staged?.Targets ?? []);
            if (targets.Length > 0)
                aliases.Add(new AliasSnapshot(alias.Name, targets) { Staged = staged.Length > 0 ? new StagedTargets(staged, alias.Staged!.PerMille) : null });
        }
        return configured.With([.. aliases]);
    }

    /// <summary>A tier for each name that is a deployment.</summary>
    public static AliasTarget[] Targets(IReadOnlyDictionary<string, DeploymentSnapshot> deployments, IEnumerable<string> names) =>
        [.. names.Where(deployments.ContainsKey).Select((name, tier) => new AliasTarget(deployments[name], tier, 1))];
}
