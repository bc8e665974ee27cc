using System.Globalization;
using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>aliases</c>: each name with its tiers of weighted deployments.</summary>
internal sealed class AliasSection
{
    private const int MostWeight = 1000;
    private const string Accepted = "resource/deployment, { deployment: resource/deployment, weight: 1 to 1000 }, or a list of these for one tier";

    private readonly ConfigReading _reading;
    private readonly HashSet<string> _deployments;
    private Dictionary<string, string[]> _aliases = [];

    private AliasSection(IEnumerable<string> deployments, ConfigReading reading)
    {
        _deployments = [.. deployments];
        _reading = reading;
    }

    /// <param name="deployments">Every <c>resource/deployment</c>.</param>
    public static AliasConfig[] Read(ConfigNode? node, IEnumerable<string> deployments, ConfigReading reading) =>
        new AliasSection(deployments, reading).Read(node);

    private AliasConfig[] Read(ConfigNode? node)
    {
        if (node is null)
            return [];
        if (node is not MapNode map)
        {
            _reading.Error(node, $"{node.Kind}; a mapping is accepted, from each alias to a list of deployments");
            return [];
        }
        _aliases = map.Entries.ToDictionary(e => e.Key, e => Names(e.Value).ToArray());
        return [.. map.Entries.Select(Alias)];
    }

    private AliasConfig Alias(MapEntry entry)
    {
        if (_deployments.Contains(entry.Key))
            NameError($"{ConfigText.Quote(entry.Key)} is the full name of a deployment; an alias needs a name of its own");
        else if (!NameRules.IsDeployment(entry.Key))
            NameError($"{ConfigText.Quote(entry.Key)} is no alias name; accepted: {NameRules.DeploymentRule}");

        var targets = new List<AliasTargetConfig>();
        var (written, failover) = Form(entry.Value);
        var tiers = written is null or { IsNull: true } ? [] : _reading.Items(written);
        if (tiers.Count == 0 && written is ListNode or TextNode { IsNull: true })
            _reading.Error(written, $"the alias stands for nothing; accepted: a list of {Accepted}");
        for (var tier = 0; tier < tiers.Count; tier++)
        {
            if (tiers[tier] is not ListNode members)
                Target(entry.Key, tiers[tier], tier, targets);
            else if (members.Items.Count == 0)
                _reading.Error(members, $"an empty tier; accepted: {Accepted}");
            else
            {
                foreach (var member in members.Items)
                    Target(entry.Key, member, tier, targets);
            }
        }
        return new AliasConfig(entry.Key, [.. targets], entry.Line) { Failover = failover };

        void NameError(string message) => _reading.Error(entry.Path, entry.Line, entry.Column, message);
    }

    // A list of tiers, or { tiers, failover }.
    private (ConfigNode? Tiers, FailoverScope Failover) Form(ConfigNode node)
    {
        if (node is not MapNode)
            return (node, FailoverScope.Same);
        var map = MapReader.Open(node, _reading, ["tiers", "failover"])!;
        var failover = FailoverScope.Same;
        if (map.Text("failover") is { } scope && !FailoverScopes.TryParse(scope.Value, out failover))
            _reading.Error(scope, $"unknown failover {ConfigText.Quote(scope.Value)}; accepted: {string.Join(", ", FailoverScopes.Names)}{ConfigText.DidYouMean(scope.Value, FailoverScopes.Names)}");
        return (map.Required("tiers", $"a list of {Accepted}"), failover);
    }

    private void Target(string alias, ConfigNode node, int tier, List<AliasTargetConfig> targets)
    {
        var weight = 1;
        var name = node as TextNode;
        if (node is MapNode)
        {
            var map = MapReader.Open(node, _reading, ["deployment", "weight"])!;
            name = _reading.Raw(map.Required("deployment", "resource/deployment"));
            weight = Weight(map.Text("weight"));
        }
        else if (node is ListNode)
            _reading.Error(node, $"a list within a tier; accepted: {Accepted}");
        if (name is null)
            return;
        if (_deployments.Contains(name.Value))
        {
            if (targets.Exists(t => t.Deployment == name.Value))
                _reading.Error(name, $"{ConfigText.Quote(name.Value)} stands in this alias already; each deployment is accepted once");
            targets.Add(new AliasTargetConfig(name.Value, tier, weight));
        }
        else if (_aliases.ContainsKey(name.Value))
        {
            var loop = Way(name.Value, alias, []) is { } way ? $", and a loop: {string.Join(" → ", [alias, .. way])}" : "";
            _reading.Error(name, $"{ConfigText.Quote(name.Value)} is an alias itself{loop}; name the deployments that it stands for; accepted: {Accepted}");
        }
        else
            _reading.Error(name, $"no deployment {ConfigText.Quote(name.Value)} is configured; accepted: {Accepted}{Near(name.Value)}");
    }

    private int Weight(TextNode? node)
    {
        if (node is null)
            return 1;
        if (int.TryParse(node.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var weight) && weight is >= 1 and <= MostWeight)
            return weight;
        _reading.Error(node, $"{ConfigText.Quote(node.Value)} is no weight; accepted: 1 to {MostWeight}");
        return 1;
    }

    // Aliases from one to another, by which one of them stands for the other; null where there is no such way.
    private string[]? Way(string from, string to, HashSet<string> seen)
    {
        if (from == to)
            return [to];
        if (!seen.Add(from) || !_aliases.TryGetValue(from, out var next))
            return null;
        return next.Select(n => Way(n, to, seen)).FirstOrDefault(w => w is not null) is { } rest ? [from, .. rest] : null;
    }

    private static IEnumerable<string> Names(ConfigNode node) => node switch
    {
        TextNode text => [text.Value],
        ListNode list => list.Items.SelectMany(Names),
        MapNode map => map.Entries.Where(e => e.Key is "tiers" or "deployment").SelectMany(e => Names(e.Value)),
        _ => [],
    };

    /// <summary>A deployment of that bare name, or one written nearly so.</summary>
    private string Near(string name) =>
        _deployments.FirstOrDefault(d => d.EndsWith("/" + name, StringComparison.Ordinal)) is { } full
            ? ConfigText.DidYouMean(full, [full])
            : ConfigText.DidYouMean(name, _deployments);
}
