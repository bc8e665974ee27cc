using System.Collections.Frozen;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Policy;

/// <summary>What a name stands for. Compared by reference: one instance for each name of a snapshot.</summary>
internal sealed class NameTargets(AliasTarget[] targets, FailoverScope failover)
{
    public AliasTarget[] Targets => targets;

    public FailoverScope Failover => failover;

    /// <summary>The alias, where a share of its sessions is staged; and what those are sent to.</summary>
    public (string Alias, int PerMille, NameTargets Targets)? Staged { get; init; }

    /// <summary>What the name stands for in a session; empty for one that the client does not name, null for a question about the name alone.</summary>
    public NameTargets Of(Principal principal, string? session) =>
        Staged is { } staged && session is not null && Rendezvous.Share(staged.Alias, principal, session) < staged.PerMille / 1000.0 ? staged.Targets : this;

    public static NameTargets Of(AliasSnapshot alias) => new(alias.Targets, alias.Failover)
    {
        Staged = alias.Staged is { } staged ? (alias.Name, staged.PerMille, new NameTargets(WithFallback(staged.Targets, alias.Targets), alias.Failover)) : null,
    };

    // Where a policy refuses what is staged, or it fails, the alias still stands for what it did.
    private static AliasTarget[] WithFallback(AliasTarget[] staged, AliasTarget[] now)
    {
        var tiers = staged.Max(t => t.Tier) + 1;
        return [.. staged, .. now.Where(n => !Array.Exists(staged, s => s.Deployment == n.Deployment)).Select(n => n with { Tier = n.Tier + tiers })];
    }
}

/// <summary>
/// Resolves the names clients ask for. Under a resource's path: that resource's deployments only. Elsewhere: an
/// alias, then <c>resource/deployment</c>, then a deployment name that one resource holds, then an id that a platform or
/// the vendor has for a model that one deployment serves. An ARN of Bedrock is asked for by its last part too.
/// </summary>
public sealed class NameIndex
{
    private readonly FrozenDictionary<string, NameTargets> _byName;
    private readonly FrozenDictionary<string, FrozenDictionary<string, NameTargets>> _byResource;
    private readonly FrozenDictionary<string, string> _ambiguous;

    private readonly Catalog _catalog;
    private readonly FrozenDictionary<string, DeploymentSnapshot[]> _byModel;
    private readonly FrozenDictionary<DeploymentSnapshot, NameTargets> _alone;

    public NameIndex(IReadOnlyCollection<ResourceSnapshot> resources, IReadOnlyCollection<AliasSnapshot> aliases, Catalog catalog)
    {
        _catalog = catalog;
        var deployments = resources.SelectMany(r => r.Deployments).ToArray();
        _alone = deployments.ToFrozenDictionary(d => d, d => new NameTargets([new AliasTarget(d, 0, 1)], FailoverScope.None), ReferenceEqualityComparer.Instance as IEqualityComparer<DeploymentSnapshot>);
        _byModel = deployments.GroupBy(d => catalog.FindModel(d.Model)?.Id ?? d.Model, StringComparer.Ordinal)
            .ToFrozenDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal);
        var byName = new Dictionary<string, NameTargets>(StringComparer.Ordinal);
        var ambiguous = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var alias in aliases)
            byName[alias.Name] = NameTargets.Of(alias);
        foreach (var deployment in deployments)
            byName.TryAdd(deployment.FullName, Alone(deployment));
        foreach (var group in deployments.GroupBy(d => d.Name, StringComparer.Ordinal))
        {
            if (group.Count() == 1)
                byName.TryAdd(group.Key, Alone(group.First()));
            else if (!byName.ContainsKey(group.Key))
                ambiguous[group.Key] = string.Join(", ", group.Select(d => d.FullName));
        }
        _byName = byName.ToFrozenDictionary(StringComparer.Ordinal);
        _ambiguous = ambiguous.ToFrozenDictionary(StringComparer.Ordinal);
        _byResource = resources.ToFrozenDictionary(
            r => r.Name,
            r => r.Deployments.ToFrozenDictionary(d => d.Name, Alone, StringComparer.Ordinal),
            StringComparer.Ordinal);
        Listed =
        [
            .. aliases.Select(a => (a.Name, a.Targets[0].Deployment)),
            .. deployments.Where(d => !aliases.Any(a => a.Name == d.Name)).Select(d => (ambiguous.ContainsKey(d.Name) ? d.FullName : d.Name, d)),
        ];
    }

    /// <summary>Every name that can be asked for outside of a resource's path, with the deployment it leads to first.</summary>
    public (string Name, DeploymentSnapshot Deployment)[] Listed { get; }

    public bool HasResource(string name) => _byResource.ContainsKey(name);

    internal (NameTargets? Targets, Refusal? Refusal) Resolve(string? resource, string model)
    {
        if (resource is null)
        {
            if (_byName.TryGetValue(model, out var plan))
                return (plan, null);
            if (_ambiguous.TryGetValue(model, out var candidates))
                return (null, new Refusal("model_ambiguous", $"More than one resource has a deployment \"{model}\". Ask for one of: {candidates}."));
            if (model.StartsWith("arn:", StringComparison.Ordinal) && model.LastIndexOf('/') is > 0 and var slash)
                return Resolve(null, model[(slash + 1)..]);
            return Serving(null, model) is var serving && serving.Length == 1
                ? (Alone(serving[0]), null)
                : serving.Length > 1
                    ? (null, new Refusal("model_ambiguous", $"More than one deployment serves the model \"{model}\". Ask for one of: {string.Join(", ", serving.Select(d => d.FullName))}; or your administrator makes an alias of that name."))
                    : (null, Unknown(model, "There is no alias or deployment", Listed.Select(l => l.Name)));
        }
        if (!_byResource.TryGetValue(resource, out var deployments))
            return (null, new Refusal("resource_unknown", $"There is no resource \"{PlainText.Cut(resource)}\" here. Check the base URL with your administrator."));
        if (deployments.TryGetValue(model, out var found))
            return (found, null);
        return Serving(resource, model) is [var only]
            ? (Alone(only), null)
            : (null, Unknown(model, $"The resource \"{resource}\" has no deployment", deployments.Keys.Order(StringComparer.Ordinal)));
    }

    // The deployments of a model known by that id. A geography before a Bedrock id (us., eu., …) asks for inference there:
    // only deployments that are bound to it answer to it, where no alias says otherwise.
    private DeploymentSnapshot[] Serving(string? resource, string id)
    {
        if (_catalog.FindModel(id) is not { } model || !_byModel.TryGetValue(model.Id, out var deployments))
            return [];
        var prefix = Array.Find(_catalog.PlatformOf(Platform.Bedrock).IdPrefixes, p => id.StartsWith(p, StringComparison.Ordinal));
        var zone = prefix is null or "global." ? null : prefix.TrimEnd('.');
        return Array.FindAll(deployments, d => (resource is null || d.Resource.Name == resource)
            && (zone is null || d.Scope == $"data-zone:{zone}" || d.Scope.StartsWith($"region:{zone}-", StringComparison.Ordinal)));
    }

    private NameTargets Alone(DeploymentSnapshot deployment) => _alone[deployment];

    private static Refusal Unknown(string model, string what, IEnumerable<string> names)
    {
        var listed = names.Take(12).ToArray();
        var choice = listed.Length == 0 ? "Nothing is deployed yet: ask your administrator." : $"Available: {string.Join(", ", listed)}. Choose one with /model.";
        return new Refusal("model_unknown", $"{what} \"{PlainText.Of(model)}\". {choice}");
    }
}
