using FsCheck;
using FsCheck.Fluent;
using Xunit;
using static Demarc.Governance.Tests.Evidence.RecordedSession;

namespace Demarc.Governance.Tests.Evidence;

public sealed class TranscriptProperties
{
    /// <summary>What happens at a turn beside its question and answer.</summary>
    [Flags]
    private enum Turn
    {
        Plain = 0,
        Forgotten = 1,
        NewDay = 2,
        RetriedFirst = 4,
        AsBlocks = 8,
    }

    // Few different words, so that the same message comes at several places of a conversation.
    private static readonly Arbitrary<(int User, int Assistant, Turn Turn)[]> Conversations =
        Gen.ArrayOf(Gen.Choose(0, 2).SelectMany(u => Gen.Choose(0, 2).SelectMany(a => Gen.Choose(0, 15).Select(t => (u, a, (Turn)t))))).ToArbitrary();

    [Fact]
    public void However_a_conversation_is_cut_into_requests_each_message_shows_once_in_order() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Conversations, turns =>
        {
            var session = new RecordedSession();
            List<string> history = [], expected = [];
            foreach (var (user, assistant, turn) in turns)
            {
                if (turn.HasFlag(Turn.Forgotten))
                    session.Forget();
                if (turn.HasFlag(Turn.NewDay))
                    session.Day = session.Day.AddDays(1);
                history.Add(turn.HasFlag(Turn.AsBlocks) ? $$"""{"role":"user","content":{{Answer($"u{user}")}}}""" : User($"u{user}"));
                if (turn.HasFlag(Turn.RetriedFirst))
                    session.Ask(string.Join(',', history), null);
                session.Ask(string.Join(',', history), Answer($"a{assistant}"));
                history.Add(Assistant($"a{assistant}"));
                expected.AddRange([$"u: u{user}", $"a: a{assistant}"]);
            }
            return session.Lines().Skip(1).SequenceEqual(expected);
        }));

    [Fact]
    public void Whatever_records_are_lost_the_answers_that_are_left_show_once_in_order_as_the_models() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Conversations, Gen.ArrayOf(Gen.Choose(0, 30)).ToArbitrary(), (turns, lost) =>
        {
            var session = new RecordedSession();
            var history = new List<string>();
            foreach (var (i, (_, _, turn)) in turns.Index())
            {
                if (turn.HasFlag(Turn.NewDay))
                    session.Day = session.Day.AddDays(1);
                history.Add(User($"u{i}"));
                session.Ask(string.Join(',', history), Answer($"a{i}"));
                history.Add(Assistant($"a{i}"));
            }
            var left = Enumerable.Range(0, turns.Length).ToList();
            foreach (var index in lost.Where(_ => left.Count > 0))
            {
                session.Lose(index % left.Count);
                left.RemoveAt(index % left.Count);
            }
            var answers = session.Lines().Where(l => l.StartsWith("a: ", StringComparison.Ordinal));
            return answers.SequenceEqual(left.Select(i => $"a: a{i}"));
        }));
}
