using System.Text;
using System.Text.Json;
using Demarc.Governance.Wire;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Wire;

public sealed class RequestScannerTests
{
    [Fact]
    public void Facts_are_read_where_they_stand()
    {
        var body = """{"max_tokens":32000,"system":[{"type":"text","text":"s"}],"model":"claude-opus-4-8","messages":[{"role":"user","content":"hi"},{"role":"system","content":[]}],"stream":true,"metadata":{"user_id":"{\"session_id\":\"s1\"}"},"new_field":{"a":[1,2]}}"""u8;

        Assert.True(RequestScanner.TryScan(body, out var facts, out _));

        Assert.Equal("claude-opus-4-8", facts.Model);
        Assert.Equal("\"claude-opus-4-8\"", Text(facts.ModelToken.Of(body)));
        Assert.True(facts.Stream);
        Assert.Equal(32000, facts.MaxTokens);
        Assert.Equal("""[{"type":"text","text":"s"}]""", Text(facts.System.Of(body)));
        Assert.Equal(2, facts.Messages.Count);
        Assert.Equal("""{"role":"system","content":[]}""", Text(facts.Messages[1].Of(body)));
        Assert.Equal("""{"session_id":"s1"}""", facts.MetadataUserId);
        Assert.Equal(BoundaryFields.None, facts.BoundaryFields);
    }

    [Theory]
    [InlineData("", "no body")]
    [InlineData("[]", "not an object")]
    [InlineData("\"x\"", "not an object")]
    [InlineData("{", "ends too early")]
    [InlineData("{\"model\":\"m\",\"messages\":[{\"role\":\"us", "ends too early")]
    [InlineData("{\"model\":\"m\"} {}", "not valid JSON")]
    [InlineData("{\"model\":\"m\",}", "not valid JSON")]
    [InlineData("{'model':'m'}", "not valid JSON")]
    [InlineData("{\"\\ud800\":1,\"model\":\"m\"}", "half of a surrogate pair")]
    [InlineData("{\"model\":\"m\",\"speed\":\"\\udc00\"}", "half of a surrogate pair")]
    [InlineData("{\"model\":\"m\",\"messages\":[{\"content\":[{\"\\ud800\":1}]}]}", "half of a surrogate pair")]
    [InlineData("{\"messages\":[]}", "model: Field required")]
    [InlineData("{\"model\":7}", "model: Input should be a string")]
    [InlineData("{\"model\":null}", "model: Input should be a string")]
    [InlineData("{\"model\":\"\"}", "1 to 256 characters")]
    [InlineData("{\"model\":\"a\\u0007b\"}", "no control characters")]
    [InlineData("{\"model\":\"m\",\"stream\":\"yes\"}", "stream: Input should be a boolean")]
    [InlineData("{\"model\":\"m\",\"model\":\"n\"}", "\"model\" appears twice")]
    [InlineData("{\"model\":\"m\",\"mod\\u0065l\":\"n\"}", "\"model\" appears twice")]
    [InlineData("{\"model\":\"m\",\"inference_geo\":\"us\",\"inference_geo\":\"global\"}", "\"inference_geo\" appears twice")]
    [InlineData("{\"model\":\"m\",\"tools\":[{\"type\":\"custom\",\"type\":\"code_execution_20250825\"}]}", "\"tools.type\" appears twice")]
    [InlineData("{\"model\":\"m\",\"tools\":[{\"model\":\"a\",\"mod\\u0065l\":\"b\"}]}", "\"tools.model\" appears twice")]
    [InlineData("{\"model\":\"m\",\"fallbacks\":[{\"model\":\"a\",\"model\":\"b\"}]}", "\"fallbacks.model\" appears twice")]
    [InlineData("{\"model\":\"m\",\"fallbacks\":7}", "fallbacks: Input should be")]
    [InlineData("{\"model\":\"m\",\"inference_geo\":[\"us\"]}", "inference_geo: Input should be")]
    [InlineData("{\"model\":\"m\",\"messages\":[{\"content\":\"a\",\"content\":[]}]}", "\"messages.content\" appears twice")]
    [InlineData("{\"model\":\"m\",\"messages\":[{\"content\":[{\"source\":{\"type\":\"base64\",\"type\":\"url\"}}]}]}", "\"source.type\" appears twice")]
    [InlineData("{\"model\":\"m\",\"metadata\":{\"user_id\":\"a\",\"user_id\":\"b\"}}", "\"metadata.user_id\" appears twice")]
    public void What_could_be_read_in_two_ways_is_refused_with_what_to_do(string body, string expected)
    {
        Assert.False(RequestScanner.TryScan(Encoding.UTF8.GetBytes(body), out _, out var problem));
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"tools\":[{\"type\":\"web_search_20250305\"},{\"type\":\"web_fetch_20260318\"}]", BoundaryFields.WebSearch | BoundaryFields.WebFetch | BoundaryFields.DynamicFiltering)]
    [InlineData("\"tools\":[{\"name\":\"t\",\"allowed_callers\":[\"code_execution_20260120\"]}]", BoundaryFields.CodeExecution)]
    [InlineData("\"tools\":[{\"type\":\"mcp_toolset\"},{\"type\":\"advisor_20260301\",\"model\":\"x\"}]", BoundaryFields.McpServers | BoundaryFields.Advisor)]
    [InlineData("\"container\":{\"id\":\"c\",\"skills\":[{\"skill_id\":\"pdf\"}]}", BoundaryFields.Container | BoundaryFields.Skills)]
    [InlineData("\"messages\":[{\"content\":[{\"type\":\"container_upload\",\"file_id\":\"f\"}]}]", BoundaryFields.Files)]
    [InlineData("\"messages\":[{\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"\\u0075rl\":\"https://x.example\"}}]}]", BoundaryFields.UrlSources)]
    [InlineData("\"messages\":[{\"content\":[{\"source\":{\"type\":\"content\",\"content\":[{\"source\":{\"type\":\"file\"}}]}}]}]", BoundaryFields.Files)]
    [InlineData("\"mcp_servers\":null,\"container\":null,\"inference_geo\":null,\"fallbacks\":null", BoundaryFields.None)]
    public void Fields_that_move_data_are_found_where_they_hide(string fields, BoundaryFields expected)
    {
        Assert.True(RequestScanner.TryScan(Encoding.UTF8.GetBytes($"{{\"model\":\"m\",{fields}}}"), out var facts, out var problem), problem);
        Assert.Equal(expected, facts.BoundaryFields);
    }

    [Fact]
    public void A_model_that_is_not_utf8_is_refused()
    {
        byte[] body = [.. "{\"model\":\"a"u8, 0xff, 0xfe, .. "\"}"u8];
        Assert.False(RequestScanner.TryScan(body, out _, out var problem));
        Assert.Contains("UTF-8", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_nesting_is_refused_by_depth_not_by_stack()
    {
        var body = Encoding.UTF8.GetBytes($"{{\"model\":\"m\",\"x\":{new string('[', 100_000)}");
        Assert.False(RequestScanner.TryScan(body, out _, out var problem));
        Assert.Contains("deeper than", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void No_problem_repeats_content()
    {
        Assert.False(RequestScanner.TryScan("{\"messages\":[\"my secret\" x"u8, out _, out var problem));
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("'x'", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_truncation_of_a_request_is_refused()
    {
        var body = Encoding.UTF8.GetBytes("""{"model":"m","stream":false,"messages":[{"role":"user","content":"a \"quoted\" ü"}],"max_tokens":1}""");
        for (var length = 0; length < body.Length; length++)
            Assert.False(RequestScanner.TryScan(body.AsSpan(0, length), out _, out _), $"cut at {length}");
    }

    [Fact]
    public void The_scanner_accepts_what_the_framework_accepts() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var bytes = Mutate(seed);
            bool expected;
            try
            {
                using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = RequestScanner.MaxDepth });
                expected = document.RootElement.ValueKind == JsonValueKind.Object
                    && document.RootElement.EnumerateObject().Count(p => p.Name == "model") == 1
                    && document.RootElement.GetProperty("model").ValueKind == JsonValueKind.String;
            }
            catch (JsonException)
            {
                expected = false;
            }
            // The scanner refuses more (duplicates, control characters), never less.
            return !RequestScanner.TryScan(bytes, out _, out _) || expected;
        }).QuickCheckThrowOnFailure();

    private static byte[] Mutate(int seed)
    {
        var body = Encoding.UTF8.GetBytes("""{"model":"m","a":{"b":[1,2.5e3,true,null,"x\n"]},"messages":[{"role":"user","content":"hi"}]}""");
        var alphabet = "{}[]\",:\\0a \n"u8;
        for (var i = 0; i < 1 + seed % 3; i++)
            body[(int)((seed * 2654435761L + i * 97) % body.Length & 0x7fffffff)] = alphabet[(int)((uint)(seed >> (i * 5)) % (uint)alphabet.Length)];
        return body;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
