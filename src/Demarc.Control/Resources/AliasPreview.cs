using System.Text.Json.Serialization;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Control.Resources;

/// <summary>A fact that is not the same of where a name leads to now and of where it is going to.</summary>
/// <param name="Group">As of <see cref="DeploymentFact"/>.</param>
/// <param name="Before">Each value that holds of a deployment it stands for, in the order of the targets.</param>
public sealed record FactChange(string Group, string Fact, string[] Before, string[] After);

/// <summary>Where a share of an alias's sessions goes, on the wire.</summary>
/// <param name="Share">As <c>10%</c>.</param>
public sealed record AliasStage(string[] Targets, string Share);

/// <summary>What a change of an alias would do, before it is done.</summary>
/// <param name="Before">What the name stands for now, as an alias or as a deployment's name; empty for nothing.</param>
/// <param name="Share">The share of sessions that goes there, as <c>10%</c>; null for all.</param>
/// <param name="Staged">What a share of the sessions is sent to until then; null for none.</param>
public sealed record AliasPreview(
    string Type, string Name, string[] Before, string[] After, string? Share, AliasStage? Staged, FactChange[] Changes, string[] Warnings)
{
    /// <summary>True when requests under the name are answered as before.</summary>
    [JsonIgnore]
    public bool IsNothing => Staged is null ? Before.AsSpan().SequenceEqual(After) : Staged.Share == Share && Staged.Targets.AsSpan().SequenceEqual(After);

    /// <param name="snapshot">With the aliases that are data.</param>
    /// <param name="after">Names of deployments that exist.</param>
    public static AliasPreview Of(GatewaySnapshot snapshot, string name, string[] after, int? perMille, DateOnly day)
    {
        var deployments = snapshot.Resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName, StringComparer.Ordinal);
        var alias = Array.Find(snapshot.Aliases, a => a.Name == name);
        DeploymentSnapshot[] old = alias is not null ? [.. alias.Targets.Select(t => t.Deployment)]
            : deployments.GetValueOrDefault(name) is { } full ? [full]
            : deployments.Values.Where(d => d.Name == name).ToArray() is [var only] ? [only]
            : [];
        DeploymentSnapshot[] next = [.. after.Select(t => deployments[t])];
        var staged = alias?.Staged;
        // Where a stage ends, it is its sessions for whom something changes.
        var from = staged is not null && perMille is null && old.AsSpan().SequenceEqual(next) ? [.. staged.Targets.Select(t => t.Deployment)] : old;
        return new AliasPreview(
            "alias_preview",
            name,
            [.. old.Select(d => d.FullName)],
            after,
            perMille is { } share ? Shares.Text(share) : null,
            staged is not null ? new AliasStage([.. staged.Targets.Select(t => t.Deployment.FullName)], Shares.Text(staged.PerMille)) : null,
            from.Length == 0 ? [] : [.. Compare(from, next, snapshot.Catalog, day)],
            [.. next.SelectMany(d => ModelReview.Warnings(snapshot.Catalog, d, day)).Distinct()]);
    }

    private static IEnumerable<FactChange> Compare(DeploymentSnapshot[] old, DeploymentSnapshot[] next, Catalog catalog, DateOnly day)
    {
        var before = Values(old).ToDictionary(v => v.Key, v => v.Values);
        return Values(next)
            .Where(v => !before[v.Key].AsSpan().SequenceEqual(v.Values))
            .Select(v => new FactChange(v.Key.Group, v.Key.Name, before[v.Key], v.Values));

        IEnumerable<((string Group, string Name) Key, string[] Values)> Values(DeploymentSnapshot[] of) =>
            of.SelectMany(d => DeploymentFacts.Of(d, catalog, day))
                .GroupBy(f => (f.Group, f.Name), (key, facts) => (key, facts.Select(f => f.Value).Distinct().ToArray()));
    }
}
