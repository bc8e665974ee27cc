using Demarc.Control.Configuration;
using Demarc.Control.Resources;
using Demarc.Governance.Boundaries;
using Xunit;

namespace Demarc.Tests.Configuration;

/// <summary>Policies that together leave nothing, and deployments that nobody reaches.</summary>
public sealed class PolicyReviewTests : IDisposable
{
    private static readonly Catalog Shipped = Catalog.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "catalog", "catalog.json")));

    private const string Resources = """
        resources:
          - name: contoso
            platform: foundry
            region: eastus2
            credential: { api_key: k }
            deployments:
              - { name: azure, model: claude-sonnet-4-6, hosting: azure, scope: "data-zone:us" }
              - { name: anthropic, model: claude-sonnet-4-6, hosting: anthropic }
          - name: direct
            platform: anthropic
            credential: { api_key: k }
            deployments: [{ name: haiku, model: claude-haiku-4-5-20251001, scope: "data-zone:us" }]
        policies:

        """;

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("groups", true)]
    [InlineData("classifications", false)]
    [InlineData("projects", false)]
    [InlineData("workspaces", false)]
    [InlineData("users", false)]
    public void Two_policies_contradict_each_other_only_where_a_request_can_match_both(string by, bool contradict)
    {
        var problems = Review($$"""
              - { match: { {{by}}: [a] }, deny: { platform: [anthropic] } }
              - { match: { {{by}}: [b] }, deny: { platform: [foundry] } }
            """);
        Assert.Equal(contradict ? ["policies[1]"] : [], problems.Select(p => p.Path));
        Assert.Equal(["policies[1]"], Review($$"""
              - { match: { {{by}}: [a, c] }, deny: { platform: [anthropic] } }
              - { match: { {{by}}: [b, c] }, deny: { platform: [foundry] } }
            """).Select(p => p.Path));
    }

    [Theory]
    [InlineData("projects: [a]", "classifications: [b]", true)]
    [InlineData("projects: [a]", "users: [b@contoso.example]", true)]
    [InlineData("projects: [a], workspaces: [w]", "projects: [b], workspaces: [v]", true)]
    [InlineData("workspaces: [w]", "workspaces: [v]", false)]
    public void What_is_matched_by_different_things_can_be_matched_by_one_request(string one, string other, bool contradict)
    {
        var problems = Review($$"""
              - { match: { {{one}} }, deny: { platform: [anthropic] } }
              - { match: { {{other}} }, deny: { platform: [foundry] } }
            """);
        Assert.Equal(contradict, problems.Length == 1);
    }

    [Fact]
    public void Three_policies_that_only_together_leave_nothing_are_named_with_their_line_and_the_fix()
    {
        var problem = Assert.Single(Review("""
              - { match: { groups: [a] }, deny: { platform: [anthropic] } }
              - { match: { groups: [b] }, deny: { hosting: [azure] } }
              - { match: { groups: [c] }, require: { inference: [us] } }
              - { match: { groups: [d] }, capture: none }
            """));
        Assert.Equal(("policies[2]", 16), (problem.Path, problem.Line));
        Assert.StartsWith("no deployment satisfies this policy together with policies[0], policies[1]: whoever matches can ask nothing.", problem.Message, StringComparison.Ordinal);
        Assert.Contains("Loosen one of them", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_that_has_no_part_in_a_contradiction_is_not_named()
    {
        var problem = Assert.Single(Review("""
              - { capture: full }
              - { match: { groups: [a] }, require: { inference: [eu] } }
            """));
        Assert.StartsWith("no deployment satisfies this policy: whoever matches can ask nothing.", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_deployment_is_out_of_reach_only_where_everyone_is_denied_it()
    {
        Assert.Empty(Review("  - { match: { projects: [a] }, deny: { hosting: [azure] } }"));
        var problem = Assert.Single(Review("  - { deny: { hosting: [azure] } }"));
        Assert.Equal(("resources[0].deployments[0]", 7), (problem.Path, problem.Line));
        Assert.EndsWith("remove it, or allow it", problem.Message, StringComparison.Ordinal);
    }

    private ConfigProblem[] Review(string policies)
    {
        var read = _folder.Read(Resources + policies);
        Assert.True(read.Config is not null, ConfigReport.Text("demarc.yaml", read));
        var snapshot = ConfigSnapshot.Build(read.Config, Shipped, read.Hash);
        return [.. PolicyReview.Of(read.Config, snapshot, TimeProvider.System.GetUtcNow())];
    }
}
