using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Governance.Tests.Wire;

public sealed class AnswerReaderTests
{
    [Fact]
    public void A_whole_answer_is_read_with_all_kinds_of_tokens()
    {
        var body = """{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-8","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"cache_creation_input_tokens":30,"cache_read_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":3,"service_tier":"standard","inference_geo":"us","server_tool_use":{"web_search_requests":2},"new":{"x":[1]}}}"""u8;
        var facts = new AnswerFacts();

        Assert.True(AnswerReader.TryReadMessage(body, facts, out var model, out var content));

        Assert.Equal("\"claude-opus-4-8\"", Encoding.UTF8.GetString(model.Of(body)));
        Assert.Equal("""[{"type":"text","text":"hi"}]""", Encoding.UTF8.GetString(content.Of(body)));
        Assert.Equal(("msg_1", "end_turn"), (facts.Id, facts.StopReason));
        var usage = facts.Usage!;
        Assert.Equal((5L, 3L, 7L, 10L, 20L, 2L), (usage.InputTokens, usage.OutputTokens, usage.CacheRead, usage.CacheWrite5m, usage.CacheWrite1h, usage.WebSearchRequests));
        Assert.Equal(("us", "standard"), (usage.InferenceGeo, usage.ServiceTier));
    }

    [Fact]
    public void Stream_usage_is_cumulative_and_overwrites()
    {
        var facts = new AnswerFacts();
        AnswerReader.ReadMessageStart("""{"type":"message_start","message":{"id":"m","model":"x","usage":{"input_tokens":10,"cache_creation_input_tokens":40,"output_tokens":1}}}"""u8, facts, out _);
        AnswerReader.ReadMessageDelta("""{"type":"message_delta","delta":{"stop_reason":null,"container":{"id":"c"}},"usage":{"output_tokens":20}}"""u8, facts);
        AnswerReader.ReadMessageDelta("""{"type":"message_delta","usage":{"output_tokens":50},"delta":{"stop_sequence":null,"stop_reason":"tool_use"}}"""u8, facts);

        Assert.Equal((10L, 50L, 40L, 0L), (facts.Usage!.InputTokens, facts.Usage.OutputTokens, facts.Usage.CacheWrite5m, facts.Usage.CacheWrite1h));
        Assert.Equal("tool_use", facts.StopReason);
    }

    [Fact]
    public void Iterations_keep_their_own_models()
    {
        var facts = new AnswerFacts();
        AnswerReader.TryReadMessage("""{"usage":{"input_tokens":3,"iterations":[{"type":"message","model":"a","input_tokens":1,"output_tokens":2},{"input_tokens":4}]}}"""u8, facts, out _, out _);
        Assert.Equal([("a", 1L, 2L), (null, 4L, 0L)], facts.Usage!.Iterations!.Select(i => (i.Model, i.Usage.InputTokens, i.Usage.OutputTokens)));
    }

    [Theory]
    [InlineData("""{"type":"error","error":{"type":"overloaded_error","message":"x","details":{"a":1}},"request_id":"r"}""", "overloaded_error")]
    [InlineData("""{"error":{"message":"x","type":"rate_limit_error"},"type":"error"}""", "rate_limit_error")]
    [InlineData("""{"error":{"code":"DeploymentNotFound","message":"x"}}""", null)]
    [InlineData("""{"type":"error"}""", null)]
    [InlineData("<html>", null)]
    [InlineData("", null)]
    [InlineData("[1]", null)]
    public void Only_the_anthropic_envelope_counts_as_one(string body, string? expected) =>
        Assert.Equal(expected, AnswerReader.ErrorType(Encoding.UTF8.GetBytes(body)));

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"usage":"x","model":5,"content":{"a":1}}""")]
    [InlineData("""{"usage":{"input_tokens":-4,"output_tokens":1.5,"cache_creation":7,"iterations":{}}}""")]
    public void What_breaks_the_contract_is_passed_over(string body)
    {
        var facts = new AnswerFacts();
        AnswerReader.TryReadMessage(Encoding.UTF8.GetBytes(body), facts, out _, out _);
        AnswerReader.ReadMessageStart(Encoding.UTF8.GetBytes(body), facts, out _);
        AnswerReader.ReadMessageDelta(Encoding.UTF8.GetBytes(body), facts);
        Assert.True(facts.Usage is null or { InputTokens: 0, OutputTokens: 0 });
    }

    [Fact]
    public void A_streamed_answer_comes_together_as_a_whole_one_would_have_been()
    {
        var content = new AnswerContent(AnswerContent.DefaultMaxBytes);
        content.Start("""{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"""u8);
        content.Delta("""{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"""u8);
        content.Start("""{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"""u8);
        content.Delta("""{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a \"q\" "}}"""u8);
        content.Delta("""{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"ü\n"}}"""u8);
        content.Start("""{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"Bash","input":{}}}"""u8);
        content.Delta("""{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"comm"}}"""u8);
        content.Delta("""{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"and\": \"ls\"}"}}"""u8);

        Assert.Equal(
            """[{"type":"text","text":"a \"q\" ü\n"},{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls"}}]""",
            Encoding.UTF8.GetString(content.ToJson()));
        Assert.False(content.Truncated);
    }

    // Each failed the stream that it came in.
    [Fact]
    public void A_tap_of_content_takes_halves_of_surrogate_pairs_and_what_is_no_object()
    {
        var content = new AnswerContent(AnswerContent.DefaultMaxBytes);
        content.Start("7"u8);
        content.Start("""{"index":"0","content_block":{"\ud800":1}}"""u8);
        Assert.True(content.Truncated);
        content.Start("""{"index":0,"content_block":{"type":"text","text":"","id":"\ud83d"}}"""u8);
        content.Delta("""{"index":0,"delta":{"text":"a"}}"""u8);
        content.Start("""{"index":1,"content_block":{"type":"tool_use","input":{}}}"""u8);
        content.Delta("""{"index":1,"delta":{"partial_json":"{\"a\":\"\\ud83d\"}"}}"""u8);

        Assert.Equal(
            """[{"type":"text","text":"a","id":"\ud83d"},{"type":"tool_use","input":"{\"a\":\"\\ud83d\"}"}]""",
            Encoding.UTF8.GetString(content.ToJson()));
    }

    [Fact]
    public void Deltas_before_their_start_are_kept_and_said_so()
    {
        var content = new AnswerContent(1000);
        content.Delta("""{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"""u8);
        content.Delta("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"early"}}"""u8);
        content.Start("""{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""u8);
        content.Delta("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"late"}}"""u8);

        Assert.Equal("""[{"type":"tool_use","input":{"a":1}},{"type":"text","text":"early"},{"type":"text","text":"late"}]""", Encoding.UTF8.GetString(content.ToJson()));
        Assert.True(content.Truncated);
    }

    [Fact]
    public void Bytes_of_a_provider_that_are_no_text_break_nothing_and_are_said()
    {
        var content = new AnswerContent(1000);
        content.Start([.. """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"""u8, 0xff, .. "\"}}"u8]);
        content.Delta([.. """{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"""u8, 0xff, .. "\"}}"u8]);
        content.Start("""{"type":"content_block_start","index":2,"content_block":{"type":"text","text":"c"}}"""u8);

        using var read = JsonDocument.Parse(content.ToJson());
        Assert.Equal(["a\ufffd", "c"], read.RootElement.EnumerateArray().Where(b => b.GetProperty("text").GetString() != "").Select(b => b.GetProperty("text").GetString()));
        Assert.True(content.Truncated);
    }

    [Fact]
    public void Content_past_its_bound_is_left_out_and_said_so()
    {
        var content = new AnswerContent(4);
        content.Start("""{"index":0,"content_block":{"type":"text","text":""}}"""u8);
        content.Delta("""{"index":0,"delta":{"type":"text_delta","text":"abcd"}}"""u8);
        content.Delta("""{"index":0,"delta":{"type":"text_delta","text":"efgh"}}"""u8);
        Assert.Equal("""[{"type":"text","text":"abcd"}]""", Encoding.UTF8.GetString(content.ToJson()));
        Assert.True(content.Truncated);
        Assert.Equal(8, content.VisibleBytes);
    }
}
