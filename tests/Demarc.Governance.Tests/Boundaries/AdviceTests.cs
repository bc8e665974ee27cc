using System.Text;
using Demarc.Governance.Boundaries;
using Xunit;

namespace Demarc.Governance.Tests.Boundaries;

public sealed class AdviceTests
{
    private static readonly byte[] Bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "catalog", "ways.json"));

    private static readonly WayKnowledge Known = WayKnowledge.Parse(Bytes, CatalogFile.Shipped);

    [Fact]
    public void Where_the_catalog_disputes_a_data_path_so_does_the_advice()
    {
        foreach (var way in Known.Ways.Where(w => w.Platform is not null))
        {
            var view = CatalogFile.Shipped.PlatformOf(way.Platform!.Value).On(way.Hosting!.Value)!.ViewOn(DateOnly.MaxValue.AddDays(-1))!;
            var disputed = view.Statements[FactName.All["storage.zdr"]].Length > 1;
            Assert.Equal(disputed, Alone(way.Id, "zdr").Verdict == Verdict.Disputed);
            var batches = CatalogFile.Shipped.FindFeature("batches")!.On(way.Platform.Value, way.Hosting.Value);
            Assert.Equal(batches == Availability.Yes, Alone(way.Id, "batches").Verdict == Verdict.Met);
            Assert.Equal(view.Statements[FactName.All["inference.processor"]][0].Values, Known.Requirements.Single(r => r.Key == "processor").Verdicts.First(v => v.Ways.Contains(way.Id)).Within);
        }
    }

    [Theory]
    [InlineData("inference", "foundry-azure", "us", Verdict.Met)]
    [InlineData("inference", "foundry-azure", "eu", Verdict.NotMet)]
    [InlineData("inference", "bedrock", "eu,us", Verdict.Met)]
    [InlineData("inference", "bedrock", "eu,br", Verdict.NotMet)]
    [InlineData("processor", "foundry-azure", "microsoft", Verdict.NotMet)]
    [InlineData("processor", "foundry-azure", "anthropic", Verdict.Met)]
    public void What_is_asked_for_decides(string key, string way, string values, Verdict expected) =>
        Assert.Equal(expected, Alone(way, key, values: values.Split(',')).Verdict);

    [Theory]
    [InlineData("seats", "enterprise", 49, Verdict.NotMet)]
    [InlineData("seats", "enterprise", 50, Verdict.Met)]
    [InlineData("audit_days", "enterprise", 180, Verdict.Met)]
    [InlineData("audit_days", "enterprise", 181, Verdict.Disputed)]
    [InlineData("audit_days", "enterprise", 4000, Verdict.NotMet)]
    public void Counts_have_bounds(string key, string way, long count, Verdict expected) => Assert.Equal(expected, Alone(way, key, count).Verdict);

    [Fact]
    public void What_is_planned_is_told_and_never_counts()
    {
        foreach (var requirement in Known.Requirements)
        {
            foreach (var judged in Advice.Judge(Known, [Ask(requirement.Key)]).Where(j => j.IsBehind))
            {
                var one = judged.Judgements[0];
                var alone = Alone(judged.Way.Id, requirement.Key);
                if (one.Claim is { IsBuilt: true })
                    Assert.True(one.Verdict <= alone.Verdict && one.Planned is null);
                else
                    Assert.True(one.Verdict >= alone.Verdict, $"{requirement.Key} {judged.Way.Id}");
            }
        }
        var batches = Behind("foundry-azure", "batches");
        Assert.Equal((Verdict.NotMet, Verdict.Met), (batches.Verdict, batches.Planned));
        Assert.Equal((Verdict.Met, null), (Behind("foundry-azure", "scim").Verdict, Behind("foundry-azure", "scim").Planned));
        Assert.Equal(Verdict.Met, Behind("foundry-azure", "siem_logging").Verdict);
        Assert.Equal(Verdict.Disputed, Behind("foundry-azure", "zdr").Verdict);
    }

    [Fact]
    public void The_order_is_by_what_blocks()
    {
        var judged = Advice.Judge(Known, [Ask("macc"), Ask("siem_logging")]);
        Assert.Equal([("foundry-azure", true), ("foundry-anthropic", true)], judged.Take(2).Select(j => (j.Way.Id, j.IsBehind)));
        Assert.Equal(judged.Select(j => j.With(Verdict.NotMet).Count()).Order(), judged.Select(j => j.With(Verdict.NotMet).Count()));
    }

    [Theory]
    [InlineData("\"sources\": [\"bedrock\", \"aws\"]", "\"sources\": []", "at least one source")]
    [InlineData("\"sources\": [\"bedrock\", \"aws\"]", "\"sources\": [\"hearsay\"]", "'hearsay' is not described")]
    [InlineData("\"verdict\": \"not-met\"", "\"verdict\": \"perhaps\"", "'perhaps' is none of met")]
    [InlineData("\"sources\": [\"retention\", \"code-zdr\", \"foundry-article\"]", "\"sources\": [\"retention\"]", "the sources of both sides")]
    [InlineData("\"ways\": [\"foundry-azure\", \"foundry-anthropic\"], \"verdict\": \"met\", \"why\": \"Microsoft Entra", "\"ways\": [\"foundry-azure\"], \"verdict\": \"met\", \"why\": \"Microsoft Entra", "'foundry-anthropic' has no verdict that always applies")]
    [InlineData("\"requirement\": \"scim\"", "\"requirement\": \"scimm\"", "'scimm' is no requirement")]
    public void A_file_that_is_wrong_is_refused(string part, string wrong, string problem)
    {
        var text = Encoding.UTF8.GetString(Bytes);
        var at = text.IndexOf(part, StringComparison.Ordinal);
        Assert.True(at >= 0, part);
        var refused = Assert.Throws<CatalogException>(() => WayKnowledge.Parse(Encoding.UTF8.GetBytes(text.Remove(at, part.Length).Insert(at, wrong)), CatalogFile.Shipped));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    private static Judged Alone(string way, string key, long count = 1, string[]? values = null) => Find(way, key, false, count, values);

    private static Judged Behind(string way, string key) => Find(way, key, true, 1, null);

    private static Judged Find(string way, string key, bool behind, long count, string[]? values) =>
        Advice.Judge(Known, [Ask(key, count, values)]).Single(j => j.Way.Id == way && j.IsBehind == behind).Judgements[0];

    private static Asked Ask(string key, long count = 1, string[]? values = null) => new(Known.Requirements.Single(r => r.Key == key), count, values ?? ["nowhere"]);
}
