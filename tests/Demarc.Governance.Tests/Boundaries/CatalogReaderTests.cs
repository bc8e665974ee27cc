using System.Text;
using System.Text.Json.Nodes;
using Demarc.Governance.Boundaries;
using Xunit;

namespace Demarc.Governance.Tests.Boundaries;

public class CatalogReaderTests
{
    [Fact]
    public void The_hash_is_that_of_the_bytes()
    {
        Assert.Matches("^sha256:[0-9a-f]{64}$", CatalogFile.Shipped.Hash);
        Assert.Equal(CatalogFile.Shipped.Hash, Catalog.Parse(CatalogFile.Bytes).Hash);
        Assert.NotEqual(CatalogFile.Shipped.Hash, Catalog.Parse([.. CatalogFile.Bytes, (byte)'\n']).Hash);
    }

    [Fact]
    public void A_price_that_is_no_decimal_is_named_by_its_path()
    {
        var problem = Assert.Single(ProblemsAfter(root => root["models"]![0]!["prices"]![0]!["input"] = "1e3"));
        Assert.Equal("$.models[0].prices[0].input", problem.Path);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("1,5")]
    [InlineData(" 1")]
    [InlineData("0.0000000001")]
    [InlineData("99999999999999999999")]
    public void A_price_must_be_an_exact_amount_above_zero(string amount)
    {
        var problem = Assert.Single(ProblemsAfter(root => root["models"]![0]!["prices"]![0]!["output"] = amount));
        Assert.Equal("$.models[0].prices[0].output", problem.Path);
    }

    [Fact]
    public void A_price_written_as_a_number_is_refused()
    {
        var problem = Assert.Single(ProblemsAfter(root => root["models"]![0]!["prices"]![0]!["output"] = 50.1));
        Assert.Equal("$.models[0].prices[0].output", problem.Path);
    }

    [Fact]
    public void An_unknown_key_is_refused_at_any_depth()
    {
        var problems = ProblemsAfter(root =>
        {
            root["prizes"] = 1;
            root["models"]![2]!["colour"] = "blue";
            root["platforms"]![0]!["hostings"]![0]!["moon"] = true;
        });
        Assert.Equal(["$.models[2].colour", "$.platforms[0].hostings[0].moon", "$.prizes"], problems.Select(p => p.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void All_problems_come_at_once_and_the_message_has_them()
    {
        var broken = Edited(root =>
        {
            root["models"]![0]!["lifecycle"]!["status"] = "sleepy";
            root["models"]![1]!["released"]!["date"] = "2026-13-01";
            root["features"]![0]!["availability"]!.AsObject().Remove("vertex");
        });
        var refused = Assert.Throws<CatalogException>(() => Catalog.Parse(broken));
        Assert.Equal(3, refused.Problems.Count);
        foreach (var path in new[] { "$.models[0].lifecycle.status", "$.models[1].released.date", "$.features[0].availability.vertex" })
            Assert.Contains(path, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_fact_needs_a_source_that_is_described()
    {
        var original = JsonNode.Parse(CatalogFile.Bytes)!;
        var facts = Facts(original).ToList();
        Assert.True(facts.Count > 250, $"only {facts.Count} facts found");

        // One pass each, all facts at once: the reader lists every problem.
        var without = Problems(Edited(root => Facts(root).ToList().ForEach(fact => fact.Remove("sources"))));
        Assert.Equal(
            facts.Select(f => f.GetPath() + ".sources").Order(StringComparer.Ordinal),
            without.Select(p => p.Path).Order(StringComparer.Ordinal));
        var empty = Problems(Edited(root => Facts(root).ToList().ForEach(fact => fact["sources"] = new JsonArray())));
        Assert.Equal(facts.Count, empty.Count);
        var stranger = Problems(Edited(root => Facts(root).ToList().ForEach(fact => fact["sources"] = new JsonArray("hearsay"))));
        Assert.Equal(facts.Count, stranger.Count);
    }

    [Theory]
    [InlineData("date")]
    [InlineData("seen")]
    [InlineData("title")]
    [InlineData("url")]
    public void A_source_needs_its(string field)
    {
        var problem = Assert.Single(ProblemsAfter(root => root["sources"]!["pricing"]!.AsObject().Remove(field)));
        Assert.Equal($"$.sources.pricing.{field}", problem.Path);
    }

    [Fact]
    public void A_model_that_is_there_twice_is_refused()
    {
        var problems = ProblemsAfter(root => root["models"]!.AsArray().Add(root["models"]![4]!.DeepClone()));
        Assert.Contains(problems, p => p.Path.EndsWith("].id", StringComparison.Ordinal) && p.Message.Contains("twice", StringComparison.Ordinal));
    }

    [Fact]
    public void A_name_leads_to_one_model_only()
    {
        var problems = ProblemsAfter(root => root["models"]![4]!["aliases"] = new JsonArray("claude-haiku-4-5"));
        Assert.Contains(problems, p => p is { Path: "$.models[12].aliases", Message: "'claude-haiku-4-5' already names claude-opus-5" });
        Assert.All(problems, p => Assert.Contains("'claude-haiku-4-5' already names", p.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_key_that_is_there_twice_is_refused()
    {
        var text = Encoding.UTF8.GetString(CatalogFile.Bytes);
        var broken = text.Replace("\"id\": \"claude-opus-5\",", "\"id\": \"claude-opus-5\", \"id\": \"claude-opus-6\",", StringComparison.Ordinal);
        var problem = Assert.Single(Problems(Encoding.UTF8.GetBytes(broken)));
        Assert.Equal("$.models[4].id", problem.Path);
    }

    [Fact]
    public void Two_prices_for_one_day_are_refused()
    {
        var problem = Assert.Single(ProblemsAfter(root =>
        {
            var later = root["models"]![0]!["prices"]![0]!.DeepClone();
            later["from"] = "2026-10-01";
            root["models"]![0]!["prices"]!.AsArray().Add(later);
        }));
        Assert.Equal("$.models[0].prices[1].from", problem.Path);
    }

    [Fact]
    public void A_platform_left_out_is_refused()
    {
        var problems = ProblemsAfter(root => root["platforms"]!.AsArray().RemoveAt(4));
        Assert.Contains(problems, p => p is { Path: "$.platforms", Message: "'vertex' is missing" });
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{} {}")]
    public void What_is_no_catalog_is_refused(string text)
    {
        Assert.NotEmpty(Problems(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Every object that carries <c>sources</c>.</summary>
    private static IEnumerable<JsonObject> Facts(JsonNode? node) => node switch
    {
        JsonObject fields => (fields.Parent is not null && fields.ContainsKey("sources") ? [fields] : Enumerable.Empty<JsonObject>())
            .Concat(fields.SelectMany(field => Facts(field.Value))),
        JsonArray items => items.SelectMany(Facts),
        _ => [],
    };

    private static IReadOnlyList<CatalogProblem> ProblemsAfter(Action<JsonNode> edit) => Problems(Edited(edit));

    private static IReadOnlyList<CatalogProblem> Problems(byte[] json) =>
        Assert.Throws<CatalogException>(() => Catalog.Parse(json)).Problems;

    private static byte[] Edited(Action<JsonNode> edit)
    {
        var root = JsonNode.Parse(CatalogFile.Bytes)!;
        edit(root);
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }
}
