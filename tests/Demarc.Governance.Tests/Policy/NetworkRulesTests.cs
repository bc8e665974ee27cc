using System.Net;
using Demarc.Governance.Policy;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

public sealed class NetworkRulesTests
{
    private static readonly NetworkRules Rules = new(
    [
        Rule(300, true, "10.0.0.0/8", "fd00::/8"),
        Rule(100, false, "10.1.99.0/24"),
        Rule(50, true, "10.1.99.7/32"),
        Rule(400, false, "10.5.0.0/16"),
    ]);

    [Theory]
    [InlineData("10.2.3.4", null)]
    [InlineData("10.1.99.7", null)] // 50 comes before 100
    [InlineData("10.1.99.8", "rule 100")]
    [InlineData("10.5.0.1", null)] // 300 comes before 400
    [InlineData("192.0.2.1", "network_rules")] // none speaks of it
    [InlineData("::ffff:10.2.3.4", null)]
    [InlineData("::ffff:10.1.99.8", "rule 100")]
    [InlineData("fd00::1", null)]
    [InlineData("2001:db8::1", "network_rules")]
    public void The_first_rule_by_priority_that_speaks_of_an_address_holds(string address, string? rule)
    {
        var refusal = Rules.Refuse(IPAddress.Parse(address), "this gateway");

        Assert.Equal(rule, refusal?.Rule);
        Assert.Equal(rule is null ? null : "network_denied", refusal?.Code);
    }

    [Fact]
    public void Without_rules_every_address_is_allowed_and_with_any_an_unknown_one_is_not()
    {
        Assert.Null(NetworkRules.None.Refuse(IPAddress.Parse("192.0.2.1"), "this gateway"));
        Assert.Null(NetworkRules.None.Refuse(null, "this gateway"));
        Assert.NotNull(Rules.Refuse(null, "this gateway"));
    }

    private static NetworkRule Rule(int priority, bool allow, params string[] from) =>
        new(priority, allow, [.. from.Select(IPNetwork.Parse)], null, $"rule {priority}");
}
