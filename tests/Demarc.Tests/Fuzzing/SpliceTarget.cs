using System.Text;
using System.Text.Json;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>A body that was spliced into another form says what that form wants, and every other member stands byte for byte and in its order.</summary>
internal sealed class SpliceTarget : FuzzTarget
{
    private static readonly string[] Spliced = ["model", "stream", "anthropic_version", "anthropic_beta", "inference_geo"];

    public override string Name => "splice";

    public override string[] Pieces => ["\"model\":\"x\",", ",\"stream\":true", "\"anthropic_version\":\"v\",", "\"anthropic_beta\":[],", "\"inference_geo\":null,", " ", "\n", ","];

    public override byte[] Generate(Dice dice) => Encoding.UTF8.GetBytes(RequestDice.Body(dice));

    public override void Check(byte[] input)
    {
        var dice = Dice.Of(input);
        var options = RequestDice.Options(dice);
        if (!RequestScanner.TryScan(input, options, out var facts, out _))
            return;
        var form = dice.Of(BodyForm.Anthropic, BodyForm.Bedrock, BodyForm.Vertex);
        var target = new DialectTarget(
            form, form == BodyForm.Anthropic ? dice.Of("x", "a \"name\" é", facts.Model) : null, form == BodyForm.Bedrock ? null : dice.Chance(50), dice.Of<string[]>([], ["b-1"], ["b-1", "b-2"], facts.Betas), dice.Of("us", null));

        var splices = DialectSplices.For(input, facts, target);
        var output = Splice.Apply(input, splices);

        OthersStand(input, output, splices);
        using var before = RequestOracle.Parse(input)!;
        using var after = RequestOracle.Parse(output)!;
        Assert.NotNull(after);
        Assert.Equal(Others(before.RootElement), Others(after.RootElement));
        Says(before.RootElement, after.RootElement, facts, target);
        var again = new ScanOptions(form, form == BodyForm.Anthropic ? null : facts.Model, form == BodyForm.Bedrock ? facts.Stream : null);
        Assert.True(RequestScanner.TryScan(output, again, out var read, out var problem), problem);
        Assert.Equal(target.Model ?? facts.Model, read.Model);
        Assert.Equal(target.Stream ?? facts.Stream, read.Stream);
    }

    // Ascending, apart from each other, and nothing between them moved.
    private static void OthersStand(byte[] input, byte[] output, Splice[] splices)
    {
        int from = 0, to = 0;
        foreach (var splice in splices)
        {
            Assert.True(splice.At.Start >= from && splice.At.End <= input.Length);
            var kept = splice.At.Start - from;
            Assert.True(input.AsSpan(from, kept).SequenceEqual(output.AsSpan(to, kept)));
            Assert.True(splice.Replacement.AsSpan().SequenceEqual(output.AsSpan(to + kept, splice.Replacement.Length)));
            (from, to) = (splice.At.End, to + kept + splice.Replacement.Length);
        }
        Assert.True(input.AsSpan(from).SequenceEqual(output.AsSpan(to)));
    }

    private static (string, string)[] Others(JsonElement root) =>
        [.. root.EnumerateObject().Select(m => (NameOf(m), m.Value.GetRawText())).Where(m => !Spliced.Contains(m.Item1))];

    private static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return "half of a pair";
        }
    }

    private static void Says(JsonElement before, JsonElement after, RequestFacts facts, DialectTarget target)
    {
        string? Raw(JsonElement root, string name) => root.TryGetProperty(name, out var value) ? value.GetRawText() : null;

        Assert.Equal(target.Model, after.TryGetProperty("model", out var model) ? model.GetString() : null);
        Assert.Equal(target.Stream is null, target.Stream is null && !after.TryGetProperty("stream", out _));
        var version = Raw(before, "anthropic_version");
        Assert.Equal(
            target.Form == BodyForm.Anthropic ? (facts.Form == BodyForm.Anthropic ? version : null)
            : version is not null && facts.Form == target.Form ? version
            : target.Form == BodyForm.Bedrock ? $"\"{DialectSplices.BedrockVersion}\"" : $"\"{DialectSplices.VertexVersion}\"",
            Raw(after, "anthropic_version"));
        if (target.Form != BodyForm.Bedrock)
            Assert.Equal(facts.Form == BodyForm.Anthropic && target.Form == BodyForm.Anthropic ? Raw(before, "anthropic_beta") : null, Raw(after, "anthropic_beta"));
        else
            Assert.Equal(target.Betas, after.TryGetProperty("anthropic_beta", out var betas) && betas.ValueKind == JsonValueKind.Array ? betas.EnumerateArray().Select(b => b.GetString()) : []);
        Assert.Equal(facts.InferenceGeo ?? target.InferenceGeo, after.TryGetProperty("inference_geo", out var geo) && geo.ValueKind == JsonValueKind.String ? geo.GetString() : null);
    }
}
