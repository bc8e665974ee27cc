using System.Collections.Frozen;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

public sealed class BoundaryDecisionTests
{
    private static readonly Addendum Executed = new(Estate.Now.AddDays(-10), Estate.Now.AddDays(10));

    [Fact]
    public void Without_a_requirement_every_deployment_may_be_asked() =>
        Assert.Equal(Estate.All, new Estate().Eligible());

    [Fact]
    public void Inference_in_the_EU_leaves_what_runs_there()
    {
        var estate = new Estate().Require(new Requirements { Inference = ["eu"] });
        Assert.Equal(["bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland", "google/sonnet-eu"], estate.Eligible());
    }

    [Fact]
    public void Inference_in_one_region_leaves_what_is_pinned_to_it() =>
        Assert.Equal(["bedrock-eu/sonnet-ireland"], new Estate().Require(new Requirements { Inference = ["eu-west-1"] }).Eligible());

    [Fact]
    public void Data_at_rest_is_a_question_of_its_own()
    {
        // Sweden stores in Europe what may be processed anywhere; the Claude Platform on AWS is disputed.
        Assert.Equal(
            ["foundry-eu/sonnet-azure", "bedrock-eu/sonnet", "bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland", "google/sonnet-eu"],
            new Estate().Require(new Requirements { AtRest = ["eu"] }).Eligible());
        var us = new Estate().Require(new Requirements { AtRest = ["us"] });
        Assert.Equal(["foundry-us/sonnet-azure", "foundry-us/sonnet-us", "direct/sonnet", "direct/sonnet-us", "direct/fable"], us.Eligible());
    }

    [Fact]
    public void Who_processes_is_not_who_sells_the_front_door()
    {
        var anthropic = new Estate().Require(new Requirements { Processor = ["anthropic"] });
        Assert.Equal(Estate.All[..8], anthropic.Eligible());
        Assert.Equal(["bedrock-eu/sonnet", "bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland"], new Estate().Require(new Requirements { Processor = ["aws"] }).Eligible());
        Assert.Empty(new Estate().Require(new Requirements { Processor = ["microsoft"] }).Eligible());
    }

    [Fact]
    public void Human_access_is_refused_where_nobody_says_that_there_is_none() =>
        Assert.Equal(["bedrock-eu/sonnet", "bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland"], new Estate().Require(new Requirements { HumanAccess = "none" }).Eligible());

    [Fact]
    public void Requirements_of_all_policies_add_up()
    {
        var estate = new Estate().Require(new Requirements { Inference = ["us", "eu"] }).Require(new Requirements { Processor = ["anthropic", "google"] });
        Assert.Equal(["foundry-us/sonnet-us", "direct/sonnet-us", "google/sonnet-eu"], estate.Eligible());
    }

    [Fact]
    public void Deny_wins_and_denies_what_is_not_known()
    {
        var denied = new Estate().Require(new Requirements { Inference = ["us", "eu"] }, new Denials { Inference = ["us"] });
        Assert.Equal(["bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland", "google/sonnet-eu"], denied.Eligible());
        // Global may run there: denied as well.
        Assert.DoesNotContain("direct/sonnet", new Estate().Require(Requirements.None, new Denials { Inference = ["us"] }).Eligible());
        // Who operates the review on Google Cloud is known; without it, the denial would hold.
        Assert.Equal(Estate.All[..8], new Estate().Require(Requirements.None, new Denials { Processor = ["aws", "google"] }).Eligible());
    }

    [Fact]
    public void Zero_data_retention_needs_an_executed_addendum_with_the_processor()
    {
        var estate = new Estate().Require(new Requirements { Zdr = true });
        Assert.Equal("no_deployment", estate.Decide().Refusal!.Code);
        Assert.Equal("zdr_deployment", estate.Decide("direct/sonnet").Refusal!.Code);
        estate.Agree("anthropic", "anthropic", zdr: Executed);
        // Foundry is disputed, Fable is covered, the clouds are other parties.
        Assert.Equal(["direct/sonnet", "direct/sonnet-us", "aws/sonnet"], estate.Eligible());
        Assert.Contains("disputed", estate.Decide("foundry-us/sonnet-us").Refusal!.Message, StringComparison.Ordinal);
        Assert.Equal("zdr_model", estate.Decide("direct/fable").Refusal!.Code);
        Assert.Contains("30 days", estate.Decide("direct/fable").Refusal!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_disputed_holds_once_it_is_declared_with_an_agreement_and_only_while_that_is_in_force()
    {
        var unfounded = new Estate().Require(new Requirements { Zdr = true }).Declare("storage.zdr", "on-request").Agree("anthropic", "anthropic", zdr: Executed);
        Assert.DoesNotContain("foundry-us/sonnet-us", unfounded.Eligible());
        var founded = new Estate().Require(new Requirements { Zdr = true }).Declare("storage.zdr", "on-request", "anthropic").Agree("anthropic", "anthropic", zdr: Executed, until: Estate.Now.AddDays(5));
        Assert.Contains("foundry-us/sonnet-us", founded.Eligible());
        Assert.Empty(founded.Eligible(now: Estate.Now.AddDays(6)));
        Assert.DoesNotContain("direct/fable", founded.Eligible());
    }

    [Fact]
    public void A_requirement_lapses_with_its_addendum_at_that_instant()
    {
        var snapshot = new Estate().Require(new Requirements { Zdr = true }).Agree("anthropic", "anthropic", zdr: Executed).Snapshot();
        Assert.Null(At(Executed.Until!.Value.AddTicks(-1)).Refusal);
        Assert.Equal("zdr_deployment", At(Executed.Until.Value).Refusal!.Code);
        Assert.Null(At(Executed.From!.Value).Refusal);
        Assert.NotNull(At(Executed.From.Value.AddTicks(-1)).Refusal);

        Decision At(DateTimeOffset now) => Decision.Decide(snapshot, Estate.Developer, null, "direct/sonnet", now);
    }

    [Fact]
    public void An_agreement_counts_within_its_scope_for_its_party_and_its_resources()
    {
        Requirements zdr = new() { Zdr = true };
        Assert.Equal(["aws/sonnet"], new Estate().Require(zdr).Agree("a", "anthropic", zdr: Executed, scope: "anthropic-aws").Eligible());
        Assert.Equal(["bedrock-eu/sonnet", "bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland"], new Estate().Require(zdr).Agree("a", "aws", zdr: Executed).Eligible());
        Assert.Empty(new Estate().Require(zdr).Agree("a", "anthropic").Eligible());
        Assert.Equal(Estate.All, new Estate().Require(new Requirements { Agreements = ["a"] }).Agree("a", "anthropic").Eligible());
        Assert.Equal("agreement", new Estate().Require(new Requirements { Agreements = ["b"] }).Agree("a", "anthropic").Decide("direct/sonnet").Refusal!.Code);
    }

    [Fact]
    public void A_BAA_is_on_offer_for_some_only() =>
        Assert.Equal(["direct/sonnet", "direct/sonnet-us", "direct/fable"], new Estate().Require(new Requirements { Baa = true }).Agree("a", "anthropic", baa: Executed).Eligible());

    [Fact]
    public void The_longest_retention_counts_days_and_zero_needs_the_addendum()
    {
        Assert.Equal(Estate.All[..8], new Estate().Require(new Requirements { MaxRetentionDays = 30 }).Eligible());
        Assert.Empty(new Estate().Require(new Requirements { MaxRetentionDays = 29 }).Eligible());
        Assert.Equal(["direct/sonnet", "direct/sonnet-us", "aws/sonnet"], new Estate().Require(new Requirements { MaxRetentionDays = 0 }).Agree("a", "anthropic", zdr: Executed).Eligible());
    }

    [Theory]
    [InlineData("\"container\":\"c1\"", "zdr_feature")]
    [InlineData("\"mcp_servers\":[{\"type\":\"url\",\"url\":\"https://x.example\",\"name\":\"x\"}]", "zdr_feature")]
    [InlineData("\"tools\":[{\"type\":\"code_execution_20250825\",\"name\":\"code_execution\"}]", "zdr_feature")]
    [InlineData("\"tools\":[{\"type\":\"web_search_20260318\",\"name\":\"web_search\"}]", "zdr_feature")]
    [InlineData("\"tools\":[{\"name\":\"t\",\"input_schema\":{}},{\"type\":\"somebody_elses_20991231\",\"name\":\"x\"}]", "zdr_feature")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":\"f\"}}]}]", "zdr_feature")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x.example\"}}]}]}]", "zdr_feature")]
    [InlineData("\"fallbacks\":\"default\"", "model_not_allowed")]
    [InlineData("\"fallbacks\":[{\"model\":\"claude-fable-5\"}]", "zdr_model")]
    [InlineData("\"tools\":[{\"type\":\"advisor_20260301\",\"name\":\"advisor\",\"model\":\"claude-fable-5\"}]", "zdr_model")]
    public void Under_zero_retention_what_it_does_not_cover_is_refused_by_name(string request, string code)
    {
        var zdr = new Estate().Require(new Requirements { Zdr = true, ThirdParties = ["web-search", "mcp-connector", "url-sources"] }).Agree("a", "anthropic", zdr: Executed);
        Assert.Null(zdr.Decide("direct/sonnet").Refusal);
        var refusal = zdr.Decide("direct/sonnet", request).Refusal!;
        Assert.Equal(code, refusal.Code);
        Assert.Contains("eave ", refusal.Message, StringComparison.Ordinal);
        Assert.Null(new Estate().Agree("a", "anthropic").Decide("direct/sonnet", request).Refusal);
    }

    [Theory]
    [InlineData("\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]")]
    [InlineData("\"tools\":[{\"type\":\"web_search_20260318\",\"name\":\"web_search\",\"allowed_callers\":[\"direct\"]}]")]
    [InlineData("\"tools\":[{\"type\":\"bash_20250124\",\"name\":\"bash\"},{\"type\":\"custom\",\"name\":\"t\",\"input_schema\":{\"source\":{\"type\":\"url\"}}}]")]
    [InlineData("\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"input\":{\"source\":{\"type\":\"url\",\"url\":\"https://x.example\"},\"file_id\":\"f\"}}]}]")]
    [InlineData("\"mcp_servers\":[]")]
    public void Under_zero_retention_what_it_covers_passes(string request)
    {
        var zdr = new Estate().Require(new Requirements { Zdr = true, ThirdParties = ["web-search"] }).Agree("a", "anthropic", zdr: Executed);
        Assert.Null(zdr.Decide("direct/sonnet", request).Refusal);
    }

    [Fact]
    public void Who_requires_a_boundary_says_whether_content_may_go_on_to_others()
    {
        const string search = "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]";
        Requirements us = new() { Inference = ["us"] };
        Assert.Equal("third_party", new Estate().Require(us).Decide("direct/sonnet-us", search).Refusal!.Code);
        Assert.Null(new Estate().Require(us with { ThirdParties = ["web-search"] }).Decide("direct/sonnet-us", search).Refusal);
        Assert.Equal("feature_denied", new Estate().Require(Requirements.None, new Denials { Features = ["web-search"] }).Decide("direct/sonnet-us", search).Refusal!.Code);
    }

    [Fact]
    public void What_a_platform_lacks_leads_to_one_that_has_it_or_to_a_refusal_that_names_the_field()
    {
        const string mcp = "\"mcp_servers\":[{\"type\":\"url\",\"url\":\"https://x.example\",\"name\":\"x\"}]";
        Assert.Equal(["foundry-us/sonnet-anthropic", "direct/sonnet", "direct/sonnet-us", "direct/fable", "aws/sonnet"], new Estate().Eligible(mcp));
        var refusal = new Estate().Decide("bedrock-eu/sonnet", mcp).Refusal!;
        Assert.Equal(("feature_unavailable", "mcp_servers"), (refusal.Code, refusal.Field));
        Assert.Contains("mcp_servers", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_requests_own_geography_holds_where_the_platform_takes_it()
    {
        var us = new Estate().Require(new Requirements { Inference = ["us"] });
        Assert.Equal(["direct/sonnet", "direct/sonnet-us", "direct/fable", "aws/sonnet"], us.Eligible("\"inference_geo\":\"us\""));
        Assert.Empty(us.Eligible("\"inference_geo\":\"global\""));
        Assert.Contains("\"global\"", us.Decide("direct/sonnet-us", "\"inference_geo\":\"global\"").Refusal!.Message, StringComparison.Ordinal);
        // A deployment that is bound to a geography takes no other word for it, whatever the policies say.
        var bound = new Estate().Decide("direct/sonnet-us", "\"inference_geo\":\"global\"").Refusal!;
        Assert.Equal(("feature_unavailable", "inference_geo"), (bound.Code, bound.Field));
        Assert.Null(new Estate().Decide("direct/sonnet-us", "\"inference_geo\":\"us\"").Refusal);
    }

    [Fact]
    public void Models_named_beside_the_own_are_models_of_the_policy()
    {
        var estate = new Estate().Require(Requirements.None, models: ["claude-sonnet-4-6"]);
        Assert.Null(estate.Decide("direct/sonnet", "\"fallbacks\":[{\"model\":\"claude-sonnet-4-6\"}]").Refusal);
        Assert.Equal("model_not_allowed", estate.Decide("direct/sonnet", "\"fallbacks\":[{\"model\":\"claude-opus-4-8\"}]").Refusal!.Code);
        Assert.Equal("model_not_allowed", estate.Decide("direct/sonnet", "\"fallbacks\":\"default\"").Refusal!.Code);
        Assert.Equal("model_denied", new Estate().Require(Requirements.None, new Denials { Models = ["claude-opus-4-8"] }).Decide("direct/sonnet", "\"tools\":[{\"type\":\"advisor_20260301\",\"model\":\"claude-opus-4-8\"}]").Refusal!.Code);
    }

    [Fact]
    public void A_private_network_is_what_addresses_say_and_unknown_is_none()
    {
        var estate = new Estate().Require(new Requirements { PrivateNetwork = true });
        Assert.Equal("network_unknown", estate.Decide().Refusal!.Code);
        Assert.Equal(["foundry-eu/sonnet-azure"], estate.Decide(health: Reach(("foundry-eu", NetworkReach.Private), ("direct", NetworkReach.Public))).Plan.Select(d => d.FullName));
        Assert.Equal("network_public", estate.Decide("direct/sonnet", health: Reach(("direct", NetworkReach.Public))).Refusal!.Code);
    }

    [Fact]
    public void Failover_stays_with_processor_agreements_and_hosting_unless_the_alias_says_otherwise()
    {
        var estate = new Estate { Failover = FailoverScope.Same };
        Assert.Equal(["foundry-us/sonnet-azure", "foundry-us/sonnet-us", "foundry-eu/sonnet-azure"], estate.Eligible());
        estate.Failover = FailoverScope.Hosting;
        Assert.Equal(Estate.All[..8], estate.Eligible());
        estate.Failover = FailoverScope.None;
        Assert.Equal(["foundry-us/sonnet-azure"], estate.Eligible());
        // The first choice is the first that the policies allow.
        estate.Failover = FailoverScope.Same;
        Assert.Equal(["bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland"], estate.Require(new Requirements { Inference = ["eu"] }).Eligible());
    }

    [Fact]
    public void Who_fails_is_asked_last_and_the_home_stays_known()
    {
        var failing = new HealthView(new Dictionary<string, DateTimeOffset> { ["direct/sonnet"] = Estate.Now.AddSeconds(1) }.ToFrozenDictionary(), FrozenDictionary<string, NetworkReach>.Empty);
        var estate = new Estate().Require(new Requirements { Seller = ["anthropic"], Platform = ["anthropic"] });
        var now = estate.Decide(health: failing);
        Assert.Equal(["direct/sonnet-us", "direct/fable", "direct/sonnet"], now.Plan.Select(d => d.FullName));
        Assert.Equal("direct/sonnet", now.Home.FullName);
        Assert.Equal("direct/sonnet", estate.Decide(health: failing, now: Estate.Now.AddSeconds(1)).Plan[0].FullName);
    }

    [Fact]
    public void An_explanation_has_every_reason_against_each_deployment()
    {
        var snapshot = new Estate().Require(new Requirements { Inference = ["eu"], Zdr = true, Processor = ["anthropic"] }).Snapshot();
        var explained = Explanation.Of(snapshot, Estate.Developer, null, "all", Estate.Now);
        Assert.Equal(Estate.All, explained.Select(e => e.Deployment.FullName));
        Assert.Equal(["processor", "zdr_deployment"], explained.Single(e => e.Deployment.FullName == "bedrock-eu/sonnet-eu").Reasons.Select(r => r.Code));
        Assert.All(explained.SelectMany(e => e.Reasons), r => Assert.StartsWith("policies[0].require.", r.Rule, StringComparison.Ordinal));
    }

    private static HealthView Reach(params (string Resource, NetworkReach Reach)[] reach) =>
        new(FrozenDictionary<string, DateTimeOffset>.Empty, reach.ToFrozenDictionary(r => $"{r.Resource}.example", r => r.Reach));
}
