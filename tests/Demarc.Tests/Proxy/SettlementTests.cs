using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>What answers cost, from the provider's bytes to the record. Opus 4.8: $5 in, $25 out; Sonnet 4.6: $3 and $15; fast Opus 4.8: $10 and $50.</summary>
public sealed class SettlementTests
{
    [Fact]
    public async Task A_negotiated_rate_prices_its_resource_and_the_list_is_on_record_beside_it()
    {
        await using var place = await ProxyPlace.StartAsync(rules: Answering("""{"input_tokens":1000,"output_tokens":200}"""));
        var config = Path.Combine(place.Folder, "demarc.yaml");
        var written = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config, written.Replace("    region: eastus2\n", "    region: eastus2\n    rates: [{ discount: \"12.5%\" }]\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_configuration_loaded");

        // 0.006 dollars at the list, 12.5 % less.
        var finished = await AskAsync(place, "sonnet");
        Assert.Equal((5_250_000, 6_000_000, "negotiated"), (finished.CostNanoUsd, finished.ListNanoUsd, finished.PriceSource));
        // The other resource has no contract.
        finished = await AskAsync(place, "direct/claude-sonnet-4-6");
        Assert.Equal((6_000_000, null, "catalog"), (finished.CostNanoUsd, finished.ListNanoUsd, finished.PriceSource));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_advisor_is_settled_at_its_own_price_and_each_model_has_its_part(bool stream)
    {
        await using var place = await ProxyPlace.StartAsync(rules: Answering(
            """{"input_tokens":1000,"output_tokens":200,"iterations":[{"type":"message","input_tokens":1000,"output_tokens":200},{"type":"advisor_message","model":"claude-opus-4-8","input_tokens":100,"output_tokens":40}]}"""));
        // 0.006 and 100 × $5 + 40 × $25 = 0.0015.
        var finished = await AskAsync(place, "sonnet", stream);
        Assert.Equal(7_500_000, finished.CostNanoUsd);
        Assert.Equal([("claude-sonnet-4-6", 6_000_000L), ("claude-opus-4-8", 1_500_000)], finished.Parts!.Select(p => (p.Model, p.CostNanoUsd)));
        await place.ProjectedAsync();
        Assert.Equal(7_500_000, await place.Store.SqlAsync<long>("SELECT CAST(sum(nano_usd) AS bigint) FROM ledger"));
        Assert.Equal(1_500_000, await place.Store.SqlAsync<long>("SELECT nano_usd FROM ledger WHERE part = 1 AND model = 'claude-opus-4-8' AND requests = 0"));
    }

    [Fact]
    public async Task The_answer_says_how_fast_and_where_it_ran()
    {
        await using var place = await ProxyPlace.StartAsync(rules: Answering("""{"input_tokens":1000,"output_tokens":200,"service_tier":"standard","inference_geo":"us","speed":"standard"}"""));
        // Sonnet 4.6 on the Claude API, in the United States: 0.006 × 1.1.
        var finished = await AskAsync(place, "direct/claude-sonnet-4-6", stream: true);
        Assert.Equal((6_600_000, "us", "standard"), (finished.CostNanoUsd, finished.Provider!.InferenceGeo, finished.Provider.Speed));
        // Haiku 4.5 knows no such factor: 1,000 × $1 + 200 × $5.
        Assert.Equal(2_000_000, (await AskAsync(place, "claude-haiku-4-5-20251001")).CostNanoUsd);
    }

    [Fact]
    public async Task A_refusal_before_any_output_costs_nothing()
    {
        await using var place = await ProxyPlace.StartAsync(rules: Answering("""{"input_tokens":412,"output_tokens":0}""") with { StopReason = "refusal" });
        var finished = await AskAsync(place, "sonnet");
        Assert.Equal((0, "refusal", 0), (finished.CostNanoUsd, finished.StopReason, finished.Usage!.InputTokens));
    }

    private static ScriptRule Answering(string usage) => new() { Usage = JsonSerializer.Deserialize<JsonElement>(usage) };

    private static async Task<FinishedRecord> AskAsync(ProxyPlace place, string model, bool stream = false)
    {
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(model, stream)));
        Assert.True(response.IsSuccessStatusCode, body);
        return await place.FinishedAsync(response.RequestId());
    }
}
