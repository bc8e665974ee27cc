using System.Text;
using System.Text.Json.Nodes;
using Demarc.Governance.Wire;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Wire;

public sealed class DialectSplicesTests
{
    private static readonly string[] s_dialect = ["model", "stream", "anthropic_version", "anthropic_beta", "inference_geo"];

    [Theory]
    [InlineData("""{"model":"a","stream":true,"messages":[]}""", """{"anthropic_version":"bedrock-2023-05-31","messages":[]}""")]
    [InlineData("""{"messages":[],"model":"a","stream":true}""", """{"anthropic_version":"bedrock-2023-05-31","messages":[]}""")]
    [InlineData("""{"messages":[] , "model":"a" , "x":1, "stream":true }""", """{"anthropic_version":"bedrock-2023-05-31","messages":[] , "x":1 }""")]
    [InlineData("""{"model":"a"}""", """{"anthropic_version":"bedrock-2023-05-31"}""")]
    [InlineData("""{ "stream":false, "model":"a" }""", """{"anthropic_version":"bedrock-2023-05-31"  }""")]
    [InlineData("""{"model":"a","anthropic_beta":["x"]}""", """{"anthropic_version":"bedrock-2023-05-31"}""")]
    public void A_messages_body_becomes_one_for_InvokeModel(string body, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        Assert.True(RequestScanner.TryScan(bytes, out var facts, out _));
        Assert.Equal(expected, Apply(bytes, facts, new DialectTarget(BodyForm.Bedrock, null, null, [])));
    }

    [Fact]
    public void An_InvokeModel_body_becomes_one_for_the_Messages_API()
    {
        var body = """{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a-1","b-2"],"max_tokens":1,"messages":[]}"""u8.ToArray();
        Assert.True(RequestScanner.TryScan(body, new ScanOptions(BodyForm.Bedrock, "us.anthropic.x", Stream: true), out var facts, out _));
        Assert.Equal(("us.anthropic.x", true), (facts.Model, facts.Stream));
        Assert.Equal(["a-1", "b-2"], facts.Betas);

        Assert.Equal(
            """{"model":"x","stream":true,"inference_geo":"us","max_tokens":1,"messages":[]}""",
            Apply(body, facts, new DialectTarget(BodyForm.Anthropic, "x", true, [], "us")));
    }

    [Fact]
    public void A_body_in_the_platforms_own_form_stays_as_it_is()
    {
        var body = """{"anthropic_version":"bedrock-2099","anthropic_beta":["a"],"messages":[]}"""u8.ToArray();
        Assert.True(RequestScanner.TryScan(body, new ScanOptions(BodyForm.Bedrock, "m"), out var facts, out _));
        Assert.Empty(DialectSplices.For(body, facts, new DialectTarget(BodyForm.Bedrock, null, null, ["a"])));
    }

    [Fact]
    public void An_unknown_field_of_the_messages_form_passes_even_when_another_form_knows_it()
    {
        var body = """{"model":"m","anthropic_version":"x","anthropic_beta":7}"""u8.ToArray();
        Assert.True(RequestScanner.TryScan(body, out var facts, out _));
        Assert.Empty(DialectSplices.For(body, facts, new DialectTarget(BodyForm.Anthropic, "m", false, [])));
    }

    [Theory]
    [InlineData("""{"model":"other"}""", "another model than the path")]
    [InlineData("""{"anthropic_beta":"a"}""", "array of beta names")]
    [InlineData("""{"anthropic_beta":["a\r\nx: y"]}""", "array of beta names")]
    [InlineData("""{"anthropic_beta":[["a"]]}""", "array of beta names")]
    [InlineData("""{"anthropic_version":"a","anthropic_version":"b"}""", "\"anthropic_version\" appears twice")]
    public void What_path_and_body_could_disagree_on_is_refused(string body, string expected)
    {
        Assert.False(RequestScanner.TryScan(Encoding.UTF8.GetBytes(body), new ScanOptions(BodyForm.Bedrock, "m"), out _, out var problem));
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_form_becomes_any_other_and_nothing_else_changes() =>
        Prop.ForAll(Bodies().ToArbitrary(), Gen.Elements(Enum.GetValues<BodyForm>()).ToArbitrary(), Gen.Choose(0, 15).ToArbitrary(), (source, form, bits) =>
        {
            var bytes = Encoding.UTF8.GetBytes(source.Text);
            if (!RequestScanner.TryScan(bytes, source.Options, out var facts, out var problem))
                throw new InvalidOperationException(problem);
            var target = new DialectTarget(
                form,
                (bits & 1) != 0 ? "the-deployment" : null,
                (bits & 2) != 0 ? facts.Stream : null,
                (bits & 4) != 0 ? ["beta-1", "beta-2"] : facts.Betas,
                (bits & 8) != 0 ? "us" : null);

            var spliced = Apply(bytes, facts, target);

            var before = JsonNode.Parse(source.Text)!.AsObject();
            var after = JsonNode.Parse(spliced)!.AsObject();
            Assert.Equal(
                before.Where(m => !s_dialect.Contains(m.Key)).Select(m => (m.Key, m.Value?.ToJsonString())),
                after.Where(m => !s_dialect.Contains(m.Key)).Select(m => (m.Key, m.Value?.ToJsonString())));
            Assert.Equal(target.Model, after["model"]?.GetValue<string>());
            if (target.Stream is { } stream)
                Assert.Equal(stream, after["stream"]?.GetValue<bool>() ?? false);
            else
                Assert.False(after.ContainsKey("stream"));
            if (form == BodyForm.Bedrock)
                Assert.Equal(target.Betas, after["anthropic_beta"]?.AsArray().Select(b => b!.GetValue<string>()) ?? []);
            if (form != BodyForm.Anthropic && facts.Form != form)
                Assert.Equal(form == BodyForm.Bedrock ? "bedrock-2023-05-31" : "vertex-2023-10-16", after["anthropic_version"]!.GetValue<string>());
            if (form == BodyForm.Anthropic && facts.Form != form)
                Assert.False(after.ContainsKey("anthropic_version") || after.ContainsKey("anthropic_beta"));
            // What another reader makes of it is what this one does.
            Assert.True(RequestScanner.TryScan(Encoding.UTF8.GetBytes(spliced), new ScanOptions(form, target.Model is null ? "m" : null), out _, out _));
            foreach (var kept in source.Others)
                Assert.Contains(kept, spliced, StringComparison.Ordinal);
        }).QuickCheckThrowOnFailure();

    private sealed record Source(string Text, ScanOptions Options, string[] Others);

    private static Gen<Source> Bodies() =>
        from form in Gen.Elements(Enum.GetValues<BodyForm>())
        from present in Gen.Choose(0, 31)
        from others in Gen.Choose(0, 3)
        from order in Gen.Shuffle(Enumerable.Range(0, 8).ToArray())
        from spaces in Gen.ArrayOf(Gen.Elements("", " ", "\n\t"), 20)
        from streams in Gen.Elements(true, false)
        select Write(form, present, others, order, spaces, streams);

    private static Source Write(BodyForm form, int present, int others, int[] order, string[] spaces, bool streams)
    {
        var version = form == BodyForm.Vertex ? "vertex-2023-10-16" : "bedrock-2023-05-31";
        string[] all =
        [
            $"\"mod\\u0065l\"{spaces[0]}:{spaces[1]}\"asked\\n\"".Replace("\\n", "", StringComparison.Ordinal),
            $"\"stream\":{spaces[2]}{(streams ? "true" : "false")}",
            $"\"anthropic_version\"{spaces[3]}:\"{version}\"",
            "\"anthropic_beta\":[\"old-1\" , \"old-2\"]",
            "\"inference_geo\":\"global\"",
            $"\"messages\":[{{\"model\":{spaces[4]}\"inner\", \"stream\":true}}]",
            "\"x\":1.00",
            "\"system\":\"a\\u0000,\\\"model\\\":\"",
        ];
        // A body of the Messages form names its model; in the other forms the path may.
        var has = Enumerable.Range(0, all.Length).Where(i => i < 5 ? (present & (1 << i)) != 0 || (i == 0 && form == BodyForm.Anthropic) : i < 5 + others).ToHashSet();
        if (form == BodyForm.Anthropic)
            has.ExceptWith([2, 3]);
        var members = order.Where(has.Contains).Select((i, n) => spaces[5 + n] + all[i] + spaces[12 - n]);
        var text = $"{spaces[13]}{{{spaces[14]}{string.Join(',', members)}{spaces[15]}}}{spaces[16]}";
        return new Source(text, new ScanOptions(form, has.Contains(0) ? null : "asked", form == BodyForm.Bedrock ? streams : null), [.. has.Where(i => i >= 5).Select(i => all[i])]);
    }

    private static string Apply(byte[] body, RequestFacts facts, DialectTarget target) =>
        Encoding.UTF8.GetString(Splice.Apply(body, DialectSplices.For(body, facts, target)));
}
