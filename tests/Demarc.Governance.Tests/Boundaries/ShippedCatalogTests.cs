using System.Diagnostics;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Spend;
using Xunit;

namespace Demarc.Governance.Tests.Boundaries;

public class ShippedCatalogTests
{
    private static Catalog Shipped => CatalogFile.Shipped;

    [Theory]
    [InlineData("claude-haiku-4-5", "claude-haiku-4-5-20251001")]
    [InlineData("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001")]
    [InlineData("claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001")]
    [InlineData("anthropic.claude-haiku-4-5", "claude-haiku-4-5-20251001")]
    [InlineData("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001")]
    [InlineData("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929")]
    [InlineData("global.anthropic.claude-opus-4-6-v1", "claude-opus-4-6")]
    [InlineData("us.anthropic.claude-opus-5-5", "claude-opus-5-5")]
    [InlineData("claude-opus-4-8", "claude-opus-4-8")]
    public void Any_name_of_a_model_leads_to_it(string name, string id) => Assert.Equal(id, Shipped.FindModel(name)?.Id);

    [Theory]
    [InlineData("claude-opus-9")]
    [InlineData("CLAUDE-OPUS-5")]
    [InlineData("us.claude-opus-5")]
    [InlineData("")]
    public void A_stranger_leads_nowhere(string name) => Assert.Null(Shipped.FindModel(name));

    [Fact]
    public void Every_model_in_use_has_a_price_or_a_warning_that_says_it_has_none()
    {
        var unpriced = Shipped.Warnings(CatalogFile.Day).Where(w => w.Code == "model_unpriced").Select(w => w.Subject).ToHashSet();
        foreach (var model in Shipped.Models.Where(m => m.Status != ModelStatus.Retired))
            Assert.True(model.PriceOn(CatalogFile.Day, Speed.Standard) is not null ^ unpriced.Contains(model.Id), model.Id);
        Assert.DoesNotContain(Shipped.Models, m => m.Status == ModelStatus.Active && unpriced.Contains(m.Id));
    }

    [Fact]
    public void Reading_a_cache_is_cheaper_than_input_and_writing_one_is_dearer()
    {
        foreach (var price in Shipped.Models.SelectMany(m => m.Prices).Select(p => p.Price))
        {
            Assert.InRange(price.CacheRead, 1, price.Input - 1);
            Assert.InRange(price.CacheWrite5m, price.Input + 1, price.CacheWrite1h - 1);
            Assert.Equal(price.CacheWrite1h, price.DearestInput);
            Assert.True(price.Output > price.Input);
        }
    }

    [Fact]
    public void Every_source_says_what_when_and_when_it_was_seen()
    {
        foreach (var source in Shipped.Sources)
        {
            Assert.NotEmpty(source.Title);
            Assert.True(source.Url is not null ^ source.Title.StartsWith("observed: ", StringComparison.Ordinal), source.Id);
            Assert.InRange(source.Date, new DateOnly(2024, 1, 1), source.Seen);
        }
    }

    [Theory]
    [InlineData("structured-outputs", Platform.Foundry, Hosting.Azure, Availability.No)]
    [InlineData("structured-outputs", Platform.Foundry, Hosting.Anthropic, Availability.Yes)]
    [InlineData("mcp-connector", Platform.Foundry, Hosting.Azure, Availability.No)]
    [InlineData("mcp-connector", Platform.Foundry, Hosting.Anthropic, Availability.Beta)]
    [InlineData("models-api", Platform.Foundry, Hosting.Anthropic, Availability.No)]
    [InlineData("batches", Platform.AnthropicAws, Hosting.Anthropic, Availability.Yes)]
    [InlineData("admin-api", Platform.AnthropicAws, Hosting.Anthropic, Availability.Partial)]
    [InlineData("web-search", Platform.Vertex, Hosting.Google, Availability.Yes)]
    [InlineData("web-fetch", Platform.Vertex, Hosting.Google, Availability.No)]
    [InlineData("count-tokens", Platform.Bedrock, Hosting.Aws, Availability.Yes)]
    [InlineData("messages", Platform.Bedrock, Hosting.Azure, Availability.No)]
    public void Features_differ_by_platform_and_hosting(string feature, Platform platform, Hosting hosting, Availability expected) =>
        Assert.Equal(expected, Shipped.FindFeature(feature)!.On(platform, hosting));

    [Theory]
    [InlineData(Platform.Foundry, "https://contoso.services.ai.azure.com/anthropic")]
    [InlineData(Platform.Anthropic, "https://api.anthropic.com/")]
    [InlineData(Platform.AnthropicAws, "https://aws-external-anthropic.eu.api.aws/")]
    [InlineData(Platform.Bedrock, "https://bedrock-runtime.eu.amazonaws.com/")]
    [InlineData(Platform.Vertex, "https://aiplatform.eu.rep.googleapis.com/")]
    public void A_platform_has_a_default_address(Platform platform, string expected) =>
        Assert.Equal(expected, Shipped.PlatformOf(platform).EndpointOf("contoso", "eu")!.AbsoluteUri);

    [Fact]
    public void An_address_that_lacks_a_part_is_none()
    {
        Assert.Null(Shipped.PlatformOf(Platform.Foundry).EndpointOf(null, "eastus2"));
        Assert.Null(Shipped.PlatformOf(Platform.Vertex).EndpointOf("contoso", null));
        Assert.Equal("https://us-east5-aiplatform.googleapis.com/", Shipped.PlatformOf(Platform.Vertex).EndpointOf(null, "us-east5")!.AbsoluteUri);
    }

    [Theory]
    [InlineData("claude-opus-5", Platform.Foundry, "data-zone:us", 1100)]
    [InlineData("claude-opus-5", Platform.Foundry, "global", 1000)]
    [InlineData("claude-haiku-4-5", Platform.Foundry, "data-zone:us", 1000)]
    [InlineData("claude-haiku-4-5", Platform.Bedrock, "data-zone:eu", 1100)]
    [InlineData("claude-haiku-4-5@20251001", Platform.Vertex, "region:us-east5", 1100)]
    [InlineData("claude-opus-4-1@20250805", Platform.Vertex, "region:us-east5", 1000)]
    [InlineData("claude-opus-5", Platform.Bedrock, "global", 1000)]
    [InlineData("never-heard-of", Platform.Anthropic, "data-zone:us", 1100)]
    public void Where_inference_runs_has_its_factor(string model, Platform platform, string scope, int perMille) =>
        Assert.Equal(perMille, Shipped.ScopePerMille(model, platform, scope));

    [Fact]
    public void Batches_cost_half_where_there_are_batches()
    {
        Assert.Equal(500, Shipped.BatchPerMille("claude-opus-5", Platform.Anthropic));
        Assert.Equal(1000, Shipped.BatchPerMille("claude-opus-5", Platform.Foundry));
    }

    [Fact]
    public void Models_that_require_retention_cannot_have_zdr()
    {
        Assert.Equal(["claude-fable-5", "claude-mythos-5"], Shipped.Models.Where(m => m.Zdr == false).Select(m => m.Id));
        Assert.All(Shipped.Models.Where(m => m.Zdr == false), m => Assert.Equal(30, m.RetentionDays));
    }

    [Fact]
    public void A_model_retired_by_its_maker_can_live_on_elsewhere()
    {
        var opus41 = Shipped.FindModel("claude-opus-4-1-20250805")!;
        Assert.Equal(ModelStatus.Retired, opus41.Status);
        Assert.Equal(ModelStatus.Retired, opus41.On(Platform.Anthropic)!.Status);
        Assert.Equal(ModelStatus.Deprecated, opus41.On(Platform.Bedrock)!.Status);
        Assert.Null(opus41.On(Platform.Foundry));
    }

    [Fact]
    public void It_loads_in_less_than_20_ms()
    {
        Catalog.Parse(CatalogFile.Bytes);
        var best = TimeSpan.MaxValue;
        // The best of several, so that a busy machine does not decide.
        for (var i = 0; i < 10; i++)
        {
            var start = Stopwatch.GetTimestamp();
            Catalog.Parse(CatalogFile.Bytes);
            var took = Stopwatch.GetElapsedTime(start);
            best = took < best ? took : best;
        }
        Assert.True(best < TimeSpan.FromMilliseconds(20), $"took {best.TotalMilliseconds} ms");
    }
}
