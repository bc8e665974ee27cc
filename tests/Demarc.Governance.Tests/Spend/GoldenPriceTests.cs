using System.Collections.Frozen;
using System.Text;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Governance.Tests.Boundaries;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Governance.Tests.Spend;

/// <summary>
/// Answers as providers send them, and what they cost in nano-dollars: worked out by hand from the public price list
/// (source: Pricing, documentation of August 2026), per million tokens where nothing else is said.
/// </summary>
public class GoldenPriceTests
{
    private const string Tokens = "\"input_tokens\":1000,\"output_tokens\":200";
    private const string Cached = "\"input_tokens\":10,\"cache_creation_input_tokens\":3000,\"cache_creation\":{\"ephemeral_5m_input_tokens\":1000,\"ephemeral_1h_input_tokens\":2000},\"cache_read_input_tokens\":50000,\"output_tokens\":700";

    [Theory]
    // Every model's input and output: 1,000 in, 200 out.
    [InlineData("claude-fable-5", Tokens, 20_000_000)] // 1,000 × $10 + 200 × $50 = 0.010 + 0.010
    [InlineData("claude-mythos-5", Tokens, 20_000_000)] // as Fable 5
    [InlineData("claude-opus-5", Tokens, 10_000_000)] // 1,000 × $5 + 200 × $25 = 0.005 + 0.005
    [InlineData("claude-opus-4-8", Tokens, 10_000_000)] // likewise
    [InlineData("claude-opus-4-7", Tokens, 10_000_000)]
    [InlineData("claude-opus-4-6", Tokens, 10_000_000)]
    [InlineData("claude-opus-4-5-20251101", Tokens, 10_000_000)]
    [InlineData("claude-opus-4-1-20250805", Tokens, 30_000_000)] // 1,000 × $15 + 200 × $75 = 0.015 + 0.015
    [InlineData("claude-opus-4-20250514", Tokens, 30_000_000)]
    [InlineData("claude-sonnet-5", Tokens, 4_000_000)] // 1,000 × $2 + 200 × $10 = 0.002 + 0.002; never raised in September
    [InlineData("claude-sonnet-4-6", Tokens, 6_000_000)] // 1,000 × $3 + 200 × $15 = 0.003 + 0.003
    [InlineData("claude-sonnet-4-5-20250929", Tokens, 6_000_000)]
    [InlineData("claude-sonnet-4-20250514", Tokens, 6_000_000)]
    [InlineData("claude-haiku-4-5-20251001", Tokens, 2_000_000)] // 1,000 × $1 + 200 × $5 = 0.001 + 0.001
    [InlineData("claude-3-5-haiku-20241022", Tokens, 1_600_000)] // 1,000 × $0.80 + 200 × $4 = 0.0008 + 0.0008
    // Caches: 10 in, 1,000 written for 5 minutes, 2,000 for an hour, 50,000 read, 700 out.
    [InlineData("claude-fable-5", Cached, 137_600_000)] // 0.0001 + 1,000 × $12.50 + 2,000 × $20 + 50,000 × $1 + 700 × $50 = 0.0001 + 0.0125 + 0.04 + 0.05 + 0.035
    [InlineData("claude-opus-5", Cached, 68_800_000)] // 0.00005 + 0.00625 + 0.02 + 0.025 + 0.0175
    [InlineData("claude-opus-4-1-20250805", Cached, 206_400_000)] // 0.00015 + 0.01875 + 0.06 + 0.075 + 0.0525
    [InlineData("claude-sonnet-5", Cached, 27_520_000)] // 0.00002 + 0.0025 + 0.008 + 0.01 + 0.007
    [InlineData("claude-sonnet-4-6", Cached, 41_280_000)] // 0.00003 + 0.00375 + 0.012 + 0.015 + 0.0105
    [InlineData("claude-haiku-4-5-20251001", Cached, 13_760_000)] // 0.00001 + 0.00125 + 0.004 + 0.005 + 0.0035
    [InlineData("claude-3-5-haiku-20241022", Cached, 11_008_000)] // 0.000008 + 0.001 + 0.0032 + 0.004 + 0.0028
    // A write without its split by lifetime is one of five minutes: 4,000 × $3.75 + 1 × $3 + 1 × $15.
    [InlineData("claude-sonnet-4-6", "\"input_tokens\":1,\"cache_creation_input_tokens\":4000,\"output_tokens\":1", 15_018_000)]
    // The page's own examples: Opus 5, 50,000 in and 15,000 out = 0.25 + 0.375; 40,000 of them read = 0.05 + 0.02 + 0.375.
    [InlineData("claude-opus-5", "\"input_tokens\":50000,\"output_tokens\":15000", 625_000_000)]
    [InlineData("claude-opus-5", "\"input_tokens\":10000,\"cache_read_input_tokens\":40000,\"output_tokens\":15000", 445_000_000)]
    // Ten thousand tickets of 3,700 tokens on Haiku 4.5 at $1 are $37.00.
    [InlineData("claude-haiku-4-5-20251001", "\"input_tokens\":37000000,\"output_tokens\":0", 37_000_000_000)]
    // Long context has no price of its own: 900,000 × $3 = 2.70, as 900 requests of 1,000; Opus 4.6 at 900,000 × $5 = 4.50.
    [InlineData("claude-sonnet-4-6", "\"input_tokens\":900000,\"output_tokens\":0", 2_700_000_000)]
    [InlineData("claude-opus-4-6", "\"input_tokens\":900000,\"output_tokens\":0", 4_500_000_000)]
    // Searches are $10 for a thousand, fetches nothing: 3 × $0.01 + 105 × $5 + 6,039 × $25 + 7,123 × $0.50 + 7,345 × $6.25 = 0.03 + 0.000525 + 0.150975 + 0.0035615 + 0.04590625.
    [InlineData("claude-opus-5", "\"input_tokens\":105,\"output_tokens\":6039,\"cache_read_input_tokens\":7123,\"cache_creation_input_tokens\":7345,\"server_tool_use\":{\"web_search_requests\":3}", 230_967_750)]
    [InlineData("claude-sonnet-4-6", "\"input_tokens\":25039,\"output_tokens\":931,\"server_tool_use\":{\"web_fetch_requests\":2}", 89_082_000)] // 0.075117 + 0.013965
    [InlineData("claude-sonnet-4-6", "\"input_tokens\":0,\"output_tokens\":0,\"server_tool_use\":{\"code_execution_requests\":4}", 0)] // by time, see below
    // Fast mode: Opus 5 and 4.8 at $10 and $50, caches by their multipliers: 0.010 + 0.010; 0.0001 + 0.0125 + 0.04 + 0.05 + 0.035.
    [InlineData("claude-opus-5", Tokens + ",\"speed\":\"fast\"", 20_000_000)]
    [InlineData("claude-opus-4-8", Cached + ",\"speed\":\"fast\"", 137_600_000)]
    // Opus 4.6 takes the request and answers at standard speed.
    [InlineData("claude-opus-4-6", Tokens + ",\"speed\":\"standard\"", 10_000_000)]
    // A batch costs half, caches too, searches not: (0.00003 + 0.00375 + 0.012 + 0.015 + 0.0105) ÷ 2 = 0.02064; 0.01 ÷ 2 + 0.01.
    [InlineData("claude-sonnet-4-6", Cached + ",\"service_tier\":\"batch\"", 20_640_000)]
    [InlineData("claude-opus-5", Tokens + ",\"service_tier\":\"batch\",\"server_tool_use\":{\"web_search_requests\":1}", 15_000_000)]
    [InlineData("claude-haiku-4-5-20251001", Tokens + ",\"service_tier\":\"batch\"", 1_000_000)] // $0.50 and $2.50
    // US inference, 1.1 times on all tokens: 0.01 × 1.1; 0.04128 × 1.1; with fast 0.02 × 1.1; in a batch 0.01 × 1.1 ÷ 2.
    [InlineData("claude-opus-5", Tokens + ",\"inference_geo\":\"us\"", 11_000_000)]
    [InlineData("claude-sonnet-4-6", Cached + ",\"inference_geo\":\"us\"", 45_408_000)]
    [InlineData("claude-opus-5", Tokens + ",\"inference_geo\":\"us\",\"speed\":\"fast\"", 22_000_000)]
    [InlineData("claude-opus-5", Tokens + ",\"inference_geo\":\"us\",\"service_tier\":\"batch\"", 5_500_000)]
    // Searches know no factor: 0.01 × 1.1 + 0.01.
    [InlineData("claude-opus-5", Tokens + ",\"inference_geo\":\"us\",\"server_tool_use\":{\"web_search_requests\":1}", 21_000_000)]
    // Models before 4.6 have no such parameter.
    [InlineData("claude-sonnet-4-5-20250929", Tokens + ",\"inference_geo\":\"not_available\"", 6_000_000)]
    [InlineData("claude-opus-5", Tokens + ",\"inference_geo\":\"global\"", 10_000_000)]
    public void On_the_Claude_API(string model, string usage, long nano) =>
        Assert.Equal(new CallCost(nano, nano, PriceSource.Catalog), Priced(model, usage).Cost);

    [Theory]
    // Foundry's US data zone is 1.1 times for Claude 4.6 and later: 0.006 × 1.1; elsewhere and earlier it is not.
    [InlineData(Platform.Foundry, "data-zone:us", "claude-sonnet-4-6", 6_600_000)]
    [InlineData(Platform.Foundry, "global", "claude-sonnet-4-6", 6_000_000)]
    [InlineData(Platform.Foundry, "data-zone:us", "claude-haiku-4-5-20251001", 2_000_000)]
    [InlineData(Platform.AnthropicAws, "data-zone:us", "claude-opus-5", 11_000_000)]
    [InlineData(Platform.Anthropic, "data-zone:us", "claude-opus-4-5-20251101", 10_000_000)]
    // Bedrock's and Google Cloud's regional and multi-region endpoints are 1.1 times from Claude 4.5 on.
    [InlineData(Platform.Bedrock, "region:eu-central-1", "claude-sonnet-4-5-20250929", 6_600_000)]
    [InlineData(Platform.Bedrock, "data-zone:us", "claude-haiku-4-5-20251001", 2_200_000)]
    [InlineData(Platform.Bedrock, "global", "claude-opus-4-5-20251101", 10_000_000)]
    [InlineData(Platform.Bedrock, "region:us-east-1", "claude-opus-4-1-20250805", 30_000_000)]
    [InlineData(Platform.Vertex, "data-zone:eu", "claude-sonnet-4-6", 6_600_000)]
    [InlineData(Platform.Vertex, "region:us-east5", "claude-sonnet-4-20250514", 6_000_000)]
    [InlineData(Platform.Vertex, "global", "claude-sonnet-4-6", 6_000_000)]
    // A cloud's answer may name a geography: its price is that of the deployment.
    [InlineData(Platform.Bedrock, "global", "claude-opus-5", 10_000_000, ",\"inference_geo\":\"us\"")]
    public void Elsewhere(Platform platform, string scope, string model, long nano, string more = "") =>
        Assert.Equal(nano, Priced(model, Tokens + more, platform, scope).Cost.Nano);

    [Fact]
    public void An_advisor_is_billed_at_its_own_price_and_its_tokens_are_its_own()
    {
        // Sonnet 4.6: (412 + 1,348) × $3 + 412 × $0.30 + (89 + 442) × $15 = 0.00528 + 0.0001236 + 0.007965 = 0.0133686.
        // Opus 5: 823 × $5 + 1,612 × $25 = 0.004115 + 0.0403 = 0.044415.
        var bill = Priced("claude-sonnet-4-6", """
            "input_tokens":1760,"cache_read_input_tokens":412,"cache_creation_input_tokens":0,"output_tokens":531,"iterations":[
              {"type":"message","input_tokens":412,"cache_read_input_tokens":0,"output_tokens":89},
              {"type":"advisor_message","model":"claude-opus-5","input_tokens":823,"output_tokens":1612},
              {"type":"message","input_tokens":1348,"cache_read_input_tokens":412,"output_tokens":442}]
            """);
        Assert.Equal(57_783_600, bill.Cost.Nano);
        Assert.Equal([("claude-sonnet-4-6", 13_368_600), ("claude-opus-5", 44_415_000L)], bill.Parts!.Select(p => (p.Model, p.CostNanoUsd)));
        Assert.Equal((823, 1612), (bill.Parts![1].Usage.InputTokens, bill.Parts[1].Usage.OutputTokens));
    }

    [Fact]
    public void A_compaction_is_billed_though_the_sum_leaves_it_out()
    {
        // Opus 4.6: (180,000 + 23,000) × $5 + (3,500 + 1,000) × $25 = 1.015 + 0.1125.
        var bill = Priced("claude-opus-4-6", """
            "input_tokens":23000,"output_tokens":1000,"iterations":[
              {"type":"compaction","input_tokens":180000,"output_tokens":3500},{"type":"message","input_tokens":23000,"output_tokens":1000}]
            """);
        Assert.Equal(1_127_500_000, bill.Cost.Nano);
        Assert.Equal((203_000, 4_500), (Assert.Single(bill.Parts!).Usage.InputTokens, bill.Parts![0].Usage.OutputTokens));
    }

    [Fact]
    public void An_attempt_that_declined_before_any_output_is_listed_and_not_billed()
    {
        // Opus 4.8 alone: 412 × $5 + 264 × $25 = 0.00206 + 0.0066.
        var bill = Priced("claude-fable-5", """
            "input_tokens":412,"output_tokens":264,"iterations":[
              {"type":"message","model":"claude-fable-5","input_tokens":535,"output_tokens":0},
              {"type":"fallback_message","model":"claude-opus-4-8","input_tokens":412,"output_tokens":264}]
            """);
        Assert.Equal(8_660_000, bill.Cost.Nano);
    }

    [Fact]
    public void A_refusal_before_any_output_costs_nothing_and_one_in_mid_answer_what_it_used()
    {
        Assert.Equal(0, Priced("claude-fable-5", "\"input_tokens\":412,\"output_tokens\":0", stop: "refusal").Cost.Nano);
        // 412 × $10 + 30 × $50 = 0.00412 + 0.0015.
        Assert.Equal(5_620_000, Priced("claude-fable-5", "\"input_tokens\":412,\"output_tokens\":30", stop: "refusal").Cost.Nano);
        // Filling a cache ahead answers nothing, and is billed: 8 × $5 + 5,120 × $6.25 = 0.00004 + 0.032.
        Assert.Equal(32_040_000, Priced("claude-opus-5", """
            "input_tokens":8,"cache_creation_input_tokens":5120,"output_tokens":0,"iterations":[{"type":"message","input_tokens":8,"output_tokens":0,"cache_creation_input_tokens":5120}]
            """, stop: "max_tokens").Cost.Nano);
    }

    [Fact]
    public void A_discount_comes_off_every_price_and_the_list_is_kept_beside_it()
    {
        // 12.5 % off 0.006 × 1.1 + 0.01: (0.0066 + 0.01) × 0.875 = 0.014525.
        var bill = Priced("claude-sonnet-4-6", Tokens + ",\"inference_geo\":\"us\",\"server_tool_use\":{\"web_search_requests\":1}",
            rates: [new(null, null, null, 12_500, null, null, Speed.Standard)]);
        Assert.Equal(new CallCost(14_525_000, 16_600_000, PriceSource.Negotiated), bill.Cost);
    }

    [Fact]
    public void The_first_rate_that_holds_prices_a_model_on_a_day()
    {
        var price = new ModelPrice { Input = 2 * NanoDollars.PerDollar, Output = 8 * NanoDollars.PerDollar };
        NegotiatedRate[] rates =
        [
            new(null, null, CatalogFile.Day, 50_000, null, null, Speed.Standard), // ended yesterday
            new(FrozenSet.Create("claude-sonnet-4-5-20250929"), CatalogFile.Day, null, 0, price, null, Speed.Standard),
            new(null, null, null, 10_000, null, null, Speed.Standard),
        ];
        // 1,000 × $2 + 200 × $8 = 0.0036, by an alias of the model too; Opus 5: 10 % off 0.01, and off 0.02 in fast mode.
        Assert.Equal(3_600_000, Priced("claude-sonnet-4-5", Tokens, rates: rates).Cost.Nano);
        Assert.Equal(9_000_000, Priced("claude-opus-5", Tokens, rates: rates).Cost.Nano);
        Assert.Equal(18_000_000, Priced("claude-opus-5", Tokens + ",\"speed\":\"fast\"", rates: rates).Cost.Nano);
    }

    [Fact]
    public void A_model_without_a_price_costs_the_dearest_and_says_so()
    {
        // 1,000 × $15 + 200 × $75 = 0.015 + 0.015.
        Assert.Equal(new CallCost(30_000_000, 30_000_000, PriceSource.Fallback), Priced("claude-nova-9", Tokens).Cost);
        // 10 % less, and still not its own price.
        Assert.Equal(
            new CallCost(27_000_000, 30_000_000, PriceSource.Fallback),
            Priced("claude-nova-9", Tokens, rates: [new(null, null, null, 10_000, null, null, Speed.Standard)]).Cost);
    }

    [Fact]
    public void Code_execution_is_free_up_to_the_month_s_hours_and_then_by_the_least_time()
    {
        var charge = CatalogFile.Shipped.CodeExecution;
        // 1,550 hours are 18,600 calls of 5 minutes; 1,200 more are 100 hours at $0.05.
        Assert.Equal(0, charge.Cost(18_600));
        Assert.Equal(5 * NanoDollars.PerDollar, charge.Cost(19_800));
        // 5 minutes: a twelfth of $0.05, rounded up.
        Assert.Equal(4_166_667, charge.Cost(18_601));
    }

    private static Bill Priced(
        string model, string usage, Platform platform = Platform.Anthropic, string scope = "global", string stop = "end_turn", NegotiatedRate[]? rates = null)
    {
        var resource = new ResourceSnapshot
        {
            Name = "r",
            Platform = platform,
            Endpoint = new Uri("https://r.example"),
            Agreements = [],
            Credential = new KeyCredential(new Secret("k")),
            Rates = rates ?? [],
        };
        var deployment = new DeploymentSnapshot { Resource = resource, Name = model, Model = model, Scope = scope, Hosting = Hosting.Anthropic };
        var facts = new AnswerFacts();
        Assert.True(AnswerReader.TryReadMessage(Encoding.UTF8.GetBytes($"{{\"id\":\"msg_1\",\"stop_reason\":\"{stop}\",\"usage\":{{{usage}}}}}"), facts, out _, out _));
        var seen = facts.Usage!;
        var terms = CallTerms.Of(
            CatalogFile.Shipped, deployment, CatalogFile.Day, seen.InferenceGeo, seen.Speed == "fast" ? Speed.Fast : Speed.Standard, seen.ServiceTier == "batch");
        return Bill.Of(terms, seen, facts.StopReason, freeCodeExecution: false);
    }
}
