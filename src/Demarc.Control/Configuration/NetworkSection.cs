using System.Globalization;
using System.Net;
using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>network_rules</c>, at the top and of a resource.</summary>
internal static class NetworkSection
{
    private const int MostPriority = 65_000;

    private static readonly string[] Keys = ["priority", "action", "from", "name"];

    private static readonly IPNetwork[] Everywhere = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")];

    public static NetworkRules Read(ConfigNode? node, ConfigReading reading)
    {
        var rules = new List<NetworkRule>();
        var lines = new Dictionary<int, int>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, Keys) is not { } map)
                continue;
            var priority = Priority(reading.Text(map.Required("priority", $"1 to {MostPriority}")), lines, reading);
            var allow = Action(reading.Text(map.Required("action", "allow, deny")), reading);
            var from = From(map.Required("from", "a list of networks in CIDR notation, or any"), reading);
            if (priority is not null && allow is not null && from is not null)
                rules.Add(new NetworkRule(priority.Value, allow.Value, from, Name(map.Text("name"), reading), item.Path));
        }
        if (rules.Count > 0 && !rules.Exists(r => r.Allow))
            reading.Warn(node!, "no rule allows anything: every address is denied, as what no rule speaks of is");
        return rules.Count == 0 ? NetworkRules.None : new NetworkRules(rules, node!.Path);
    }

    /// <summary>The framework masks what stands beyond the prefix; here it is an error, as more is meant or less.</summary>
    public static IPNetwork? Network(string text) =>
        text.Split('/') is [var address, _]
        && IPAddress.TryParse(address, out var written)
        && IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(written) ? network : null;

    public static string NoNetwork(string text) =>
        $"{ConfigText.Quote(text)} is no network; accepted: CIDR with no bits set beyond the prefix, for example 10.0.0.0/8 or 192.0.2.7/32";

    private static int? Priority(TextNode? node, Dictionary<int, int> lines, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (!int.TryParse(node.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var priority) || priority is < 1 or > MostPriority)
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is no priority; accepted: 1 to {MostPriority}, the lowest is asked first");
        else if (!lines.TryAdd(priority, node.Line))
            reading.Error(node, $"the rule on line {lines[priority]} has priority {priority} already; each number is accepted once");
        else
            return priority;
        return null;
    }

    private static bool? Action(TextNode? node, ConfigReading reading)
    {
        if (node is null or { Value: "allow" or "deny" })
            return node is null ? null : node.Value == "allow";
        reading.Error(node, $"unknown action {ConfigText.Quote(node.Value)}; accepted: allow, deny");
        return null;
    }

    private static IPNetwork[]? From(ConfigNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (node is TextNode { Value: "any" })
            return Everywhere;
        var texts = reading.Texts(node);
        if (node is ListNode { Items.Count: 0 })
            reading.Error(node, "no network; accepted: networks in CIDR notation, or any");
        foreach (var text in texts.Where(t => Network(t.Value) is null))
            reading.Error(text, NoNetwork(text.Value));
        return [.. texts.Select(t => Network(t.Value)).OfType<IPNetwork>()];
    }

    private static string? Name(TextNode? node, ConfigReading reading)
    {
        if (node is null || (node.Value.Length is > 0 and <= 100 && !node.Value.Any(char.IsControl)))
            return node?.Value;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no name; accepted: 1 to 100 characters, none of them a control character");
        return null;
    }
}
