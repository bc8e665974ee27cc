using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Xunit;
using static Demarc.Governance.Tests.Evidence.RecordedSession;

namespace Demarc.Governance.Tests.Evidence;

public sealed class TranscriptTests
{
    private const string System = "[system prompt content not shown]";
    private const string Withheld = "[history that the client sent again is not shown: part of this session is past its retention]";
    private const string Own = "[a prompt history of its own begins: another conversation of this session, or this one after compaction]";
    private const string Rewritten = "[the client rewrote the history of this conversation; what is new in it follows]";
    private const string Continues = "[an earlier conversation of this session continues]";

    private readonly RecordedSession _session = new();

    [Fact]
    public void Each_turn_is_shown_once_though_clients_send_the_whole_history()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")},{Assistant("2")},{User("three")}", null);
        Assert.Equal([System, "u: one", "a: 1", "u: two", "a: 2", "u: three"], _session.Lines());
    }

    [Fact]
    public void What_clients_change_between_turns_repeats_nothing()
    {
        _session.Ask("""{"role":"user","content":[{"type":"text","text":"one","cache_control":{"type":"ephemeral"}}]}""",
            """[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"1","citations":null}]""");
        _session.Ask("""
            {"role":"user","content":"one"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"text":"1","type":"text"}]},
            {"role":"user","content":[{"type":"text","text":"two","cache_control":{"type":"ephemeral"}}]}
            """, Answer("2"));
        _session.Ask($"{User("one")},{Assistant("1")}," + """
            {"role":"user","content":[{"type":"text","text":"two"}]},
            {"role":"assistant","content":[{"type":"text","text":"2","cache_control":{"type":"ephemeral"}}]},
            {"role":"user","content":"three"}
            """, null);
        Assert.Equal([System, "u: one", "a: 1", "u: two", "a: 2", "u: three"], _session.Lines());
    }

    [Fact]
    public void Tools_are_named_where_their_results_stand()
    {
        const string use = """[{"type":"text","text":"Reading."},{"type":"tool_use","id":"toolu_1","name":"Read","input":{"file":"a.txt"}}]""";
        _session.Ask(User("read"), use);
        const string result = """{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"A"},{"type":"image","source":{}}]}]}""";
        _session.Ask($$"""{{User("read")}},{"role":"assistant","content":{{use}}},{{result}}""", Answer("Done."));
        Assert.Equal([System, "u: read", """a: Reading. | Read({"file":"a.txt"})""", "u: Read=A+[1 non-text item(s) not shown]", "a: Done."], _session.Lines());
    }

    [Fact]
    public void A_retry_shows_its_question_once()
    {
        _session.Ask(User("one"), null);
        _session.Ask(User("one"), Answer("1"));
        Assert.Equal([System, "u: one", "a: 1"], _session.Lines());
    }

    [Fact]
    public void A_second_answer_to_the_same_question_stands_beside_the_first()
    {
        _session.Ask(User("one"), Answer("half"));
        _session.Ask(User("one"), Answer("whole"));
        _session.Ask($"{User("one")},{Assistant("whole")},{User("two")}", Answer("2"));
        Assert.Equal([System, "u: one", "a: half", Rewritten, "a: whole", "u: two", "a: 2"], _session.Lines());
    }

    [Fact]
    public void After_compaction_a_marker_and_what_is_new()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        _session.Ask($"{User("summary")},{User("two")},{Assistant("2")},{User("three")}", Answer("3"));
        Assert.Equal([System, "u: one", "a: 1", "u: two", "a: 2", Own, "u: summary", "u: three", "a: 3"], _session.Lines());
    }

    [Fact]
    public void A_rewritten_message_in_mid_history_is_marked_and_the_rest_is_not_repeated()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("cleared")},{Assistant("2")},{User("three")}", Answer("3"));
        Assert.Equal([System, "u: one", "a: 1", "u: two", "a: 2", Rewritten, "u: cleared", "u: three", "a: 3"], _session.Lines());
    }

    [Fact]
    public void An_answer_that_the_client_made_up_is_asserted_not_shown_as_the_models()
    {
        _session.Ask($"{User("one")},{Assistant("I agree.")},{User("two")}", Answer("2"));
        Assert.Equal([System, "u: one", "a? I agree.", "u: two", "a: 2"], _session.Lines());
    }

    [Fact]
    public void A_changed_answer_is_asserted_beside_the_captured_one()
    {
        _session.Ask(User("one"), Answer("no"));
        _session.Ask($"{User("one")},{Assistant("yes")},{User("two")}", Answer("2"));
        Assert.Equal([System, "u: one", "a: no", Rewritten, "a? yes", "u: two", "a: 2"], _session.Lines());
    }

    [Fact]
    public void Side_conversations_stand_in_time_order_with_markers_where_they_change()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask(User("title?"), Answer("A title"), "\"Titles.\"");
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        Assert.Equal([System, "u: one", "a: 1", Own, "u: title?", "a: A title", Continues, "u: two", "a: 2"], _session.Lines());
    }

    [Fact]
    public void A_forgotten_session_is_stored_again_and_shown_once()
    {
        _session.Ask(User("one"), Answer("1"));
        var before = _session.Stored;
        _session.Forget();
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        Assert.True(_session.Stored - before > before);
        Assert.Equal([System, "u: one", "a: 1", "u: two", "a: 2"], _session.Lines());
    }

    [Fact]
    public void A_session_over_midnight_is_one_transcript()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Day = _session.Day.AddDays(1);
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        Assert.Equal([System, "u: one", "a: 1", "u: two", "a: 2"], _session.Lines());
    }

    [Fact]
    public void What_was_not_captured_is_said_and_what_follows_goes_on()
    {
        _session.AskUncaptured();
        _session.AskUncaptured(answered: false);
        _session.Ask(User("one"), Answer("1"));
        Assert.Equal(["u! not_captured", "a! not_captured", "u! not_captured", System, "u: one", "a: 1"], _session.Lines());
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_message_expires_with_its_first_capture_whatever_captured_it_again(bool forgotten)
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        _session.Day = _session.Day.AddDays(1);
        if (forgotten)
            _session.Forget();
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")},{Assistant("2")},{User("three")}", Answer("3"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")},{Assistant("2")},{User("three")},{Assistant("3")},{User("four")}", Answer("4"));
        _session.Erase(0);
        _session.Erase(1);
        string[] withheld = forgotten ? [System, Withheld] : [];
        Assert.Equal(["u! retention_elapsed", .. withheld, "u: three", "a: 3", "u: four", "a: 4"], _session.Lines());
        // Where this process remembers the session, the copy does not even exist.
        Assert.Equal(forgotten, _session.StoredText(2).Contains("one", StringComparison.Ordinal));
    }

    [Fact]
    public void A_parent_that_is_not_there_leaves_a_gap_and_no_error()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")},{Assistant("2")},{User("three")}", Answer("3"));
        _session.Lose(0);
        Assert.Equal(["u! not_captured", "u: two", "a: 2", "u: three", "a: 3"], _session.Lines());
    }

    [Theory, InlineData(CaptureParts.None), InlineData(CaptureParts.Thinking), InlineData(CaptureParts.System | CaptureParts.Thinking)]
    public void Thinking_and_system_prompts_are_sealed_and_shown_where_policy_says_so(CaptureParts also)
    {
        const string thought = """{"type":"thinking","thinking":"a \u00e9 thought","signature":"x"}""";
        _session.Also = also;
        _session.Ask($$"""{{User("one")}},{"role":"assistant","content":[{{thought}},{"type":"text","text":"1"}]},{{User("two")}}""", $$"""[{{thought}},{"type":"text","text":"2"}]""");

        var thinks = also.HasFlag(CaptureParts.Thinking);
        string mine = thinks ? "[thinking] a é thought | " : "";
        Assert.Equal([also.HasFlag(CaptureParts.System) ? "[system prompt] | Be brief." : System, "u: one", $"a? {mine}1", "u: two", $"a: {mine}2"], _session.Lines());
        Assert.Equal(thinks, _session.StoredText(0).Contains("thought", StringComparison.Ordinal));
        Assert.Equal(also.HasFlag(CaptureParts.System), _session.StoredText(0).Contains("Be brief", StringComparison.Ordinal));
    }

    [Fact]
    public void An_attachment_is_stored_once_a_session_however_often_and_wherever_it_comes()
    {
        var image = new string('A', 3 << 20);
        var source = $$$"""{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{image}}}"}}""";
        var first = $$"""{"role":"user","content":[{"type":"text","text":"look"},{{source}}]}""";
        _session.Ask(first, Answer("1"));
        _session.Ask($$"""{{first}},{{Assistant("1")}},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{{source}}]}]}""", Answer("2"));
        _session.Forget();
        _session.Ask(first, Answer("3"));

        Assert.Equal([System, "u: look | [image content not shown]", "a: 1", "u: unknown=[1 non-text item(s) not shown]", "a: 2"], _session.Lines()[..5]);
        Assert.Equal([1, 0, 1], new[] { 0, 1, 2 }.Select(i => _session.StoredText(i).Split(image).Length - 1));
        Assert.Matches("\"data\":\"att_[0-9a-f]{32}\"", _session.StoredText(1));
        Assert.Equal(2, global::System.Text.RegularExpressions.Regex.Count(_session.StoredText(0), "att_[0-9a-f]{32}"));
    }

    [Fact]
    public void A_message_too_large_to_keep_is_named_so()
    {
        _session.Ask($"{User(new string('x', CapturedContent.MaxMessageBytes))},{Assistant("1")}", Answer("2"));
        Assert.Equal([System, "u! oversize", "a? 1", "a: 2"], _session.Lines());
    }

    [Fact]
    public void Ids_are_stable_and_apart_and_carry_their_requests_time()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")}", Answer("2"));
        var first = _session.Read();
        _session.Ask($"{User("one")},{Assistant("1")},{User("two")},{Assistant("2")},{User("three")}", null);
        var later = _session.Read();
        Assert.Equal(first.Select(m => m.Id), later.Take(first.Count).Select(m => m.Id));
        Assert.Equal(later.Count, later.Select(m => m.Id).Distinct().Count());
        Assert.All(later, m => Assert.StartsWith("clsm_", m.Id, StringComparison.Ordinal));
        Assert.Equal(3, later.Select(m => m.At).Distinct().Count());
        Assert.Equal(later.OrderBy(m => (m.At, m.Slot)), later);
    }

    [Fact]
    public void Blocks_without_a_shape_of_their_own_are_placeholders_and_nothing_throws()
    {
        _session.Ask(
            """
            {"role":"user","content":[{"type":"image","source":{"data":"x"}},{"type":"text"},{"type":7},"loose",null,{"type":"tool_result"},
              {"type":"search_result","content":[]},{"type":"text","text":"t","citations":[{}]}]},
            {"role":"user","content":null},{"role":"user"},{"role":"system","content":"S"}
            """,
            """[{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}},{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result"}]},{"type":"redacted_thinking","data":"x"}]""");
        Assert.Equal(
            [
                System,
                "u: [image content not shown] | [text content not shown] | [unknown content not shown] | [unknown content not shown] | [unknown content not shown] | unknown= | [search_result content not shown] | t",
                "u: ", "u: ",
                "u: [sent by the client in another role than user] | S",
                """a: web_search({"q":"x"}) | web_search=[1 non-text item(s) not shown]""",
            ],
            _session.Lines());
        var blocks = _session.Read()[1].Blocks(new TranscriptLimits());
        Assert.All(blocks.OfType<TextBlock>(), b => Assert.True(b.Truncated));
    }

    [Fact]
    public void Half_a_character_shows_as_it_was_written()
    {
        _session.Ask(Encoding.UTF8.GetBytes("""{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"\ud800"}]}"""), Answer("1"));
        Assert.Equal([@"u: \ud800", "a: 1"], _session.Lines());
    }

    [Fact]
    public void Content_that_is_not_json_counts_as_not_captured()
    {
        var shown = new Transcript().Add(new TranscriptRequest { Id = Guid.CreateVersion7(), At = 1, Content = "{"u8.ToArray(), Answered = true });
        Assert.Equal([UnavailableReason.NotCaptured, UnavailableReason.NotCaptured], shown.Select(m => m.Reason));
    }

    [Theory]
    [InlineData(10, """{"a":"€""", true)]
    [InlineData(13, """{"a":"€€""", true)]
    [InlineData(17, """{"a":"€€€"}""", false)]
    public void Tool_inputs_are_cut_between_characters(int bytes, string expected, bool truncated)
    {
        _session.Ask(User("one"), """[{"type":"tool_use","id":"t","name":"T","input":{"a":"€€€"}}]""");
        var block = Assert.IsType<ToolUseBlock>(Assert.Single(_session.Read()[^1].Blocks(new TranscriptLimits(ToolInputBytes: bytes))));
        Assert.Equal(expected + (truncated ? "…[truncated; pass tool_use_input_max_bytes=-1 for the server max]" : ""), block.Input);
        Assert.Equal(truncated, block.Truncated);
    }

    [Fact]
    public void Results_are_cut_one_by_one_and_text_at_a_mebibyte()
    {
        var body = $$"""
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":[{"type":"text","text":"abcdef"},{"type":"text","text":"ab"}]}]}
            """;
        _session.Ask(body, Answer(new string('x', TranscriptLimits.Max + 1)));
        var messages = _session.Read();
        var result = Assert.IsType<ToolResultBlock>(Assert.Single(messages[1].Blocks(new TranscriptLimits(ToolResultBytes: 3))));
        Assert.Equal(["abc…[truncated; pass tool_result_max_bytes=-1 for the server max]", "ab"], result.Texts);
        Assert.True(result is { Truncated: true, IsError: true });
        var text = Assert.IsType<TextBlock>(Assert.Single(messages[2].Blocks(new TranscriptLimits())));
        Assert.True(text.Truncated);
        Assert.Equal(TranscriptLimits.Max, text.Text.Length);
    }
}
