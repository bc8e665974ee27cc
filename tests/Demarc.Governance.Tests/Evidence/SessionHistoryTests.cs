using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Xunit;
using static Demarc.Governance.Tests.Evidence.RecordedSession;

namespace Demarc.Governance.Tests.Evidence;

/// <summary>A session that goes on where nothing of it is remembered: what was captured is not captured again.</summary>
public sealed class SessionHistoryTests
{
    private const string System = "[system prompt content not shown]";
    private const string Image = "iVBORw0KGgo";

    private readonly RecordedSession _session = new();

    [Fact]
    public void Only_what_is_new_is_stored_after_a_restart()
    {
        _session.Also = CaptureParts.System;
        _session.Ask(User("one"), """[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"1"}]""");
        _session.Ask(Turns(1) + User("two"), Answer("2"));
        _session.Restart();
        _session.Ask(Turns(2) + User("three"), Answer("3"));
        _session.Restart();
        _session.Ask(Turns(3) + User("four"), null);

        Assert.Equal(["u: one", "a: 1", "u: two", "a: 2", "u: three", "a: 3", "u: four"], _session.Lines()[1..]);
        Assert.DoesNotContain("one", _session.StoredText(2) + _session.StoredText(3), StringComparison.Ordinal);
        Assert.DoesNotContain("two", _session.StoredText(2) + _session.StoredText(3), StringComparison.Ordinal);
        Assert.DoesNotContain("three", _session.StoredText(3), StringComparison.Ordinal);
        Assert.DoesNotContain("Be brief", _session.StoredText(2) + _session.StoredText(3), StringComparison.Ordinal);
    }

    [Fact]
    public void An_attachment_is_stored_once_across_restarts_and_its_messages_are_known_again()
    {
        var image = string.Concat(Enumerable.Repeat(Image, 40));
        var look = $$$"""{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{image}}}"}},{"type":"text","text":"look"}]}""";
        _session.Ask(look, Answer("1"));
        _session.Restart();
        _session.Ask($"{look},{Assistant("1")},{look}", Answer("2"));

        Assert.Equal([1, 0], new[] { 0, 1 }.Select(i => _session.StoredText(i).Split(image).Length - 1));
        Assert.Single(_session.StoredText(1).Split("look")[1..]);
        Assert.Equal([System, "u: [image content not shown] | look", "a: 1", "u: [image content not shown] | look", "a: 2"], _session.Lines());
        // Both messages refer to the one that is stored.
        var id = Assert.Single(_session.Read().SelectMany(m => m.Attachments).Select(a => a.Id).Distinct());
        Assert.Contains($"\"{id}\":\"{image}\"", _session.StoredText(0), StringComparison.Ordinal);
    }

    [Fact]
    public void Side_conversations_and_a_message_too_large_are_found_again()
    {
        var large = User(new string('x', CapturedContent.MaxMessageBytes));
        _session.Ask(User("one"), Answer("1"));
        _session.Ask(User("title please"), Answer("a title"), "\"Name it.\"");
        _session.Ask($"{Turns(1)}{large}", Answer("2"));
        _session.Restart();
        _session.Ask($"{Turns(1)}{large},{Assistant("2")},{User("three")}", Answer("3"));
        _session.Ask($"{User("title please")},{Assistant("a title")},{User("shorter")}", null, "\"Name it.\"");

        Assert.DoesNotContain("one", _session.StoredText(3), StringComparison.Ordinal);
        Assert.DoesNotContain("oversize", _session.StoredText(3), StringComparison.Ordinal);
        Assert.DoesNotContain("please", _session.StoredText(4), StringComparison.Ordinal);
        Assert.Equal("u: shorter", _session.Lines()[^1]);
    }

    [Fact]
    public void What_was_erased_is_not_sealed_again_and_what_is_left_is_still_known()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Ask(Turns(1) + User("two"), Answer("2"));
        _session.Erase(0);
        _session.Restart();
        _session.Ask(Turns(2) + User("three"), Answer("3"));

        Assert.DoesNotContain("one", _session.StoredText(2), StringComparison.Ordinal);
        Assert.DoesNotContain("two", _session.StoredText(2), StringComparison.Ordinal);
        Assert.Equal(["u! retention_elapsed", "u: two", "a: 2", System, "u: three", "a: 3"], _session.Lines());
    }

    [Fact]
    public void Of_a_session_of_which_nothing_is_left_no_history_is_sealed_again()
    {
        _session.Ask(User("one"), Answer("1"));
        _session.Erase(0);
        _session.Restart();
        _session.Ask(Turns(1) + User("two"), Answer("2"));
        _session.Lose(0);

        Assert.DoesNotContain("one", _session.StoredText(0), StringComparison.Ordinal);
        Assert.Equal([System, "u! retention_elapsed", "u: two", "a: 2"], _session.Lines());
    }

    [Fact]
    public void History_that_is_the_clients_own_word_is_stored_as_ever()
    {
        _session.Restart();
        _session.Ask($"{User("example")},{Assistant("as shown")},{User("now")}", Answer("1"));
        Assert.Equal([System, "u: example", "a? as shown", "u: now", "a: 1"], _session.Lines());
    }

    private static string Turns(int count) =>
        string.Concat(new[] { ("one", "1"), ("two", "2"), ("three", "3") }[..count].Select(t => $"{User(t.Item1)},{Assistant(t.Item2)},"));
}
