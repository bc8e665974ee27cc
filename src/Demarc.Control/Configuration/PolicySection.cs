using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>policies</c>.</summary>
internal static class PolicySection
{
    private static readonly string[] Asked = ["match", "models", "require", "deny", "capture", "limits", "rates", "settings", "desktop", "retention", "capture_also"];

    private static readonly string[] Matched = ["organizations", "workspaces", "projects", "classifications", "groups", "users"];

    /// <param name="names">What a model list can name: aliases, deployments and their models.</param>
    /// <param name="resources">Names of resources.</param>
    /// <param name="agreed">Names of the agreements that are described.</param>
    public static PolicyConfig[] Read(ConfigNode? node, IReadOnlySet<string> names, string[] resources, string[] agreed, ConfigReading reading)
    {
        var policies = new List<PolicyConfig>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, Asked) is not { } map)
                continue;
            var match = Match(map.Get("match"), reading);
            var models = map.Get("models") is { } list ? Models(list, names, reading) : null;
            var capture = Capture(map.Text("capture"), reading);
            if (!Array.Exists(Asked, key => key != "match" && map.Mentions(key)))
                reading.Warn(item, $"the policy asks nothing; accepted: {string.Join(", ", Asked[1..])}");
            policies.Add(new PolicyConfig(match["groups"], match["users"], models, capture, item.Line)
            {
                Organizations = match["organizations"],
                Workspaces = match["workspaces"],
                Projects = match["projects"],
                Classifications = match["classifications"],
                Limits = LimitSection.Read(map.Get("limits"), $"policies[{policies.Count}]", match, resources, reading),
                RateLimits = RateLimitSection.Read(map.Get("rates"), $"policies[{policies.Count}]", reading),
                Require = RequireSection.Require(map.Get("require"), agreed, reading),
                Settings = SettingsSection.Read(map.Get("settings"), reading),
                Desktop = SettingsSection.Read(map.Get("desktop"), reading),
                Deny = RequireSection.Deny(map.Get("deny"), names, resources, reading),
                Retention = RetentionSection.OfPolicy(map.Get("retention"), map.Get("match") is null, reading),
                CaptureAlso = Vocabulary.List(map.Get("capture_also"), "part of requests", ["system", "thinking"], reading)?
                    .Aggregate(CaptureParts.None, (all, part) => all | (part == "system" ? CaptureParts.System : CaptureParts.Thinking)),
            });
        }
        return [.. policies];
    }

    private static Dictionary<string, string[]> Match(ConfigNode? node, ConfigReading reading)
    {
        var map = MapReader.Open(node, reading, Matched);
        // All empty would match everyone, the opposite of what an empty list says.
        if (map is not null && !Array.Exists(Matched, map.Mentions))
            reading.Error(map.Node, $"names nobody; accepted: {string.Join(", ", Matched)}; leave match out for everyone");
        return Matched.ToDictionary(key => key, Names);

        string[] Names(string key)
        {
            var list = map?.Get(key);
            if (list is ListNode { Items.Count: 0 })
                reading.Error(list, "an empty list matches no one; accepted: names, or leave the key out");
            return [.. reading.Texts(list).Select(t => t.Value).Distinct()];
        }
    }

    public static string[] Models(ConfigNode list, IReadOnlySet<string> names, ConfigReading reading)
    {
        var models = reading.Texts(list);
        if (list is ListNode { Items.Count: 0 })
            reading.Warn(list, "an empty list allows no model at all");
        foreach (var model in models)
        {
            if (!names.Contains(model.Value) && !reading.Sources.KnownModel(model.Value))
                reading.Warn(model, $"no alias, deployment or model is named {ConfigText.Quote(model.Value)}{ConfigText.DidYouMean(model.Value, names)}");
        }
        return [.. models.Select(m => m.Value).Distinct()];
    }

    public static CaptureMode? Capture(TextNode? node, ConfigReading reading)
    {
        switch (node?.Value)
        {
            case null:
                return null;
            case "full":
                return CaptureMode.Full;
            case "metadata":
                return CaptureMode.Metadata;
            case "none":
                return CaptureMode.None;
            default:
                reading.Error(node, $"unknown capture {ConfigText.Quote(node.Value)}; accepted: full, metadata, none");
                return null;
        }
    }
}
