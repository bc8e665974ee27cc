using System.Net;

namespace Demarc.Governance.Policy;

/// <summary>One rule on where requests may come from.</summary>
/// <param name="Priority">The lowest number is asked first; each number stands once in its list.</param>
/// <param name="Allow">Allow, or deny.</param>
/// <param name="From">The networks it speaks of.</param>
/// <param name="Name">For people; null for none.</param>
/// <param name="Place">Where it stands in the configuration, for example <c>network_rules[2]</c>.</param>
public sealed record NetworkRule(int Priority, bool Allow, IPNetwork[] From, string? Name, string Place);

/// <summary>
/// Rules as network security groups have them: in the order of their priorities, the first that speaks of the client's
/// address holds, and an address that none speaks of is denied. Without any rule every address is allowed.
/// </summary>
public sealed class NetworkRules
{
    public static readonly NetworkRules None = new([]);

    private readonly NetworkRule[] _rules;
    private readonly string _list;

    /// <param name="list">What the list of rules is called, for example <c>resources[0].network_rules</c>.</param>
    public NetworkRules(IEnumerable<NetworkRule> rules, string list = "network_rules") =>
        (_rules, _list) = ([.. rules.OrderBy(r => r.Priority)], list);

    public bool IsEmpty => _rules.Length == 0;

    /// <summary>The networks that rules allow, as far as no rule before them denies; none where there are no rules.</summary>
    public IPNetwork[] Allowed => [.. _rules.Where(r => r.Allow).SelectMany(r => r.From)];

    /// <summary>Null where the address is allowed. One that is not known (null) is denied wherever there are rules.</summary>
    /// <param name="to">What is asked for, as a refusal calls it.</param>
    public Refusal? Refuse(IPAddress? address, string to)
    {
        if (IsEmpty)
            return null;
        // A listener on [::] sees clients of IPv4 so.
        if (address is { IsIPv4MappedToIPv6: true })
            address = address.MapToIPv4();
        var rule = address is null ? null : Array.Find(_rules, r => Array.Exists(r.From, n => n.Contains(address)));
        if (rule is { Allow: true })
            return null;
        var why = rule is null ? "no rule allows it" : rule.Name is { } name ? $"rule \"{name}\" denies it" : "a rule denies it";
        return new Refusal(
            "network_denied",
            $"Requests to {to} are not accepted from your network address {address?.ToString() ?? "(unknown)"}: {why}. Connect through your organization's network, or ask your administrator.",
            rule?.Place ?? _list);
    }
}
