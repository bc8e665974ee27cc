using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Control.Resources;

/// <summary>
/// What a configuration that can be used still gets wrong: policies that leave nothing, deployments that nobody can reach,
/// agreements that are named and not described. Warnings, since agreements begin and end while the file stays.
/// </summary>
public static class PolicyReview
{
    private const int MostReasons = 3;

    public static IReadOnlyList<ConfigProblem> Of(DemarcConfig config, GatewaySnapshot snapshot, DateTimeOffset now)
    {
        var problems = new List<ConfigProblem>();
        var reach = new Reach(snapshot, now);
        Agreements(config, problems);
        Scopes(config, snapshot, problems);
        Failover(config, snapshot, problems);
        if (config.Policies.Length > 0 && reach.Deployments.Any())
        {
            var reached = Contradictions(config, snapshot, reach, problems);
            Unreached(config, reach, reached, problems);
        }
        return [.. problems.OrderBy(p => p.Line)];
    }

    // Returns the deployments that somebody can reach.
    private static HashSet<DeploymentSnapshot> Contradictions(DemarcConfig config, GatewaySnapshot snapshot, Reach reach, List<ConfigProblem> problems)
    {
        var policies = config.Policies;
        int[] everyone = [.. Enumerable.Range(0, policies.Length).Where(i => snapshot.Policies[i].IsForEveryone)];
        int[] some = [.. Enumerable.Range(0, policies.Length).Except(everyone)];
        var reached = reach.Under(everyone).ToHashSet();
        if (reached.Count == 0)
        {
            Contradiction(everyone, everyone.Last());
            return reached;
        }
        var possible = new List<int>();
        foreach (var policy in some)
        {
            var left = reach.Under([.. everyone, policy]).ToArray();
            reached.UnionWith(left);
            if (left.Length == 0)
                Contradiction([.. everyone, policy], policy);
            else
                possible.Add(policy);
        }
        // Each is possible alone: whoever matches two of them may still be left with nothing.
        var found = new HashSet<(int, int)>();
        for (var i = 0; i < possible.Count; i++)
        {
            for (var j = i + 1; j < possible.Count; j++)
            {
                if (CanMatchTogether(policies[possible[i]], policies[possible[j]]) && !reach.Under([.. everyone, possible[i], possible[j]]).Any())
                {
                    found.Add((possible[i], possible[j]));
                    Contradiction([.. everyone, possible[i], possible[j]], possible[j]);
                }
            }
        }
        foreach (var together in Larger(possible, everyone, policies, reach, found))
            Contradiction([.. everyone, .. together], together[^1]);
        return reached;

        void Contradiction(int[] together, int at)
        {
            foreach (var other in together.Where(i => i != at))
            {
                // One that asks nothing of the data path is no part of it.
                int[] rest = [.. together.Where(i => i != other)];
                if (!reach.Under(rest).Any())
                    together = rest;
            }
            var others = together.Where(i => i != at).Select(i => $"policies[{i}]").ToArray();
            var reasons = reach.Against(together).Take(MostReasons).Select(r => $"{r.Deployment.FullName}: {r.Message}");
            problems.Add(Warning(
                $"policies[{at}]", policies[at].Line,
                $"no deployment satisfies {(others.Length == 0 ? "this policy" : $"this policy together with {string.Join(", ", others)}")}: whoever matches can ask nothing. {string.Join(' ', reasons)} Loosen one of them, add a deployment that satisfies all, or declare facts."));
        }
    }

    // Every two may be possible, and three or more not: of all that can match together, as few as leave nothing.
    private static IEnumerable<int[]> Larger(List<int> possible, int[] everyone, PolicyConfig[] policies, Reach reach, HashSet<(int, int)> pairs)
    {
        var said = new HashSet<string>();
        foreach (var first in possible)
        {
            List<int> together = [first];
            together.AddRange(possible.Where(p => p != first && together.TrueForAll(t => CanMatchTogether(policies[t], policies[p]) && !pairs.Contains((t, p)) && !pairs.Contains((p, t)))));
            if (reach.Under([.. everyone, .. together]).Any())
                continue;
            foreach (var policy in together.ToArray())
            {
                if (!reach.Under([.. everyone, .. together.Where(t => t != policy)]).Any())
                    together.Remove(policy);
            }
            together.Sort();
            if (said.Add(string.Join(' ', together)))
                yield return [.. together];
        }
    }

    private static void Unreached(DemarcConfig config, Reach reach, HashSet<DeploymentSnapshot> reached, List<ConfigProblem> problems)
    {
        // Where nobody reaches anything the contradiction says so already.
        if (reached.Count == 0)
            return;
        var every = Enumerable.Range(0, config.Policies.Length).ToArray();
        foreach (var deployment in reach.Deployments.Where(d => !reached.Contains(d)))
        {
            var (path, line) = Place(config, deployment);
            var reason = reach.Against(every).FirstOrDefault(r => r.Deployment == deployment);
            problems.Add(Warning(
                path, line,
                $"no policy lets anybody reach {deployment.FullName}{(reason is null ? "" : $" ({reason.Rule}: {reason.Message})")}: remove it, or allow it"));
        }
    }

    private static void Agreements(DemarcConfig config, List<ConfigProblem> problems)
    {
        if (config.Agreements.Length == 0 && !config.Policies.Any(p => p.Require.Zdr || p.Require.Baa || p.Require.MaxRetentionDays is not null || p.Require.Agreements.Length > 0))
            return;
        for (var i = 0; i < config.Resources.Length; i++)
        {
            foreach (var name in config.Resources[i].Agreements.Where(name => config.Agreements.All(a => a.Name != name)))
                problems.Add(Warning($"resources[{i}].agreements", config.Resources[i].Line, $"'{name}' is not described under agreements, so that nothing can rest on it: describe it there"));
        }
    }

    private static void Scopes(DemarcConfig config, GatewaySnapshot snapshot, List<ConfigProblem> problems)
    {
        foreach (var deployment in snapshot.Resources.SelectMany(r => r.Deployments))
        {
            var platform = snapshot.Catalog.PlatformOf(deployment.Resource.Platform);
            var scope = Array.Find(platform.Scopes, s => s.Name == deployment.Scope || (s.Name == "region:*" && deployment.Scope.StartsWith("region:", StringComparison.Ordinal)));
            var problem = scope is null ? $"the catalog has no scope '{deployment.Scope}' on {platform.Platform.Wire()}; it has {string.Join(", ", platform.Scopes.Select(s => s.Name))}"
                : !scope.Hostings.Contains(deployment.Hosting) ? $"the catalog has no scope '{deployment.Scope}' hosted by {deployment.Hosting.Wire()}, only by {string.Join(", ", scope.Hostings.Select(h => h.Wire()))}"
                : Array.Find(platform.Regions, r => r.Name == deployment.Resource.Region) is { } region && scope.Name != "region:*" && !region.Scopes.Contains(scope.Name)
                    ? $"the catalog has no scope '{scope.Name}' in {region.Name}, only {string.Join(", ", region.Scopes)}: ask for one of these, or put the resource elsewhere"
                : null;
            if (problem is null)
                continue;
            var (path, line) = Place(config, deployment);
            problems.Add(Warning($"{path}.scope", line, problem));
        }
    }

    private static void Failover(DemarcConfig config, GatewaySnapshot snapshot, List<ConfigProblem> problems)
    {
        foreach (var alias in config.Aliases)
        {
            if (Array.Find(snapshot.Aliases, a => a.Name == alias.Name) is not { Targets.Length: > 1 } built)
                continue;
            var first = built.Targets.Where(t => t.Tier == built.Targets[0].Tier).Select(t => t.Deployment).ToArray();
            var lone = built.Targets.Where(t => t.Tier != built.Targets[0].Tier && !first.Any(f => built.Failover.Allows(f, t.Deployment))).Select(t => t.Deployment.FullName).ToArray();
            if (lone.Length > 0)
                problems.Add(Warning(
                    $"aliases.{alias.Name}", alias.Line,
                    $"{string.Join(", ", lone)} does not take over when the first tier fails: failover stays with its processor, agreements and hosting. Write {{ failover: any, tiers: […] }} if it may go there"));
        }
    }

    // A person is in any groups; but a request is of one person, in one workspace and for one project, which has one classification.
    private static bool CanMatchTogether(PolicyConfig a, PolicyConfig b)
    {
        string[][] ofA = [a.Users, a.Workspaces, a.Projects, a.Classifications], ofB = [b.Users, b.Workspaces, b.Projects, b.Classifications];
        return a.Groups.Length + a.Organizations.Length > 0 || b.Groups.Length + b.Organizations.Length > 0
            || ofA.Index().Any(x => x.Item.Length > 0 && ofB.Index().Any(y =>
                y.Item.Length > 0 && (x.Index != y.Index || x.Item.Intersect(y.Item, StringComparer.OrdinalIgnoreCase).Any())));
    }

    private static (string Path, int Line) Place(DemarcConfig config, DeploymentSnapshot deployment)
    {
        var resource = Array.FindIndex(config.Resources, r => r.Name == deployment.Resource.Name);
        var index = Array.FindIndex(config.Resources[resource].Deployments, d => d.Name == deployment.Name);
        return ($"resources[{resource}].deployments[{index}]", config.Resources[resource].Deployments[index].Line);
    }

    private static ConfigProblem Warning(string path, int line, string message) => new(path, line, 1, ConfigSeverity.Warning, message);
}
