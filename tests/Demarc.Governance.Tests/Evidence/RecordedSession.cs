using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Governance.Tests.Evidence;

/// <summary>A session as the request path captures it: the client's bodies scanned, continued from tips, sealed and opened.</summary>
internal sealed class RecordedSession
{
    private const string Name = "clls_1";

    private readonly List<TranscriptRequest> _requests = [];
    private SessionTips _tips = new();
    private bool _asksStore;

    /// <summary>What is captured beside the conversation.</summary>
    public CaptureParts Also { get; set; }

    public DateOnly Day { get; set; } = new(2026, 11, 22);

    /// <summary>Bytes of messages stored so far: what the tips save.</summary>
    public long Stored { get; private set; }

    public static string User(string text) => $$"""{"role":"user","content":{{JsonSerializer.Serialize(text)}}}""";

    public static string Assistant(string text) => $$"""{"role":"assistant","content":{{Answer(text)}}}""";

    public static string Answer(string text) => $$"""[{"type":"text","text":{{JsonSerializer.Serialize(text)}}}]""";

    /// <summary>Nothing of the session is remembered, and the store cannot be asked.</summary>
    public void Forget() => _tips = new();

    /// <summary>As another replica, or this one after a restart: what is not remembered is read from the store.</summary>
    public void Restart() => (_tips, _asksStore) = (new(), true);

    public void Ask(string messages, string? answer, string? system = "\"Be brief.\"", bool truncated = false) =>
        Ask(Encoding.UTF8.GetBytes($$"""{"model":"m","max_tokens":1,{{(system is null ? "" : $"\"system\":{system},")}}"messages":[{{messages}}]}"""), answer, truncated);

    public void Ask(byte[] body, string? answer, bool truncated = false)
    {
        Assert.True(RequestScanner.TryScan(body, out var facts, out var problem), problem);
        var place = new SessionPlace(_tips, Name, body, facts);
        if (_asksStore && place.HasUnknownHistory)
            place = Recall(body, facts, place.Names);
        var content = new CapturedContent(body, facts, place.Continuation, Also, new SessionAttachments(_tips, Name));
        var finished = content.Finish(new AnswerFacts(), Encoding.UTF8.GetBytes(answer ?? ""), truncated).ToArray();
        if (answer is not null)
            place.Messages[^1] = MessageIdentity.OfAnswer(place.Names, Encoding.UTF8.GetBytes(answer));
        var at = new DateTimeOffset(Day, default, default).ToUnixTimeMilliseconds() + _requests.Count;
        var id = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(at));
        _tips.Remember(Name, place.Continuation.Parent, id, place.System, answer is null ? place.Messages[..^1] : place.Messages);
        _tips.Attached(Name, content.Attached);
        _requests.Add(new TranscriptRequest { Id = id, At = at, Content = finished, Answered = answer is not null });
        Stored += finished.Length;
    }

    private SessionPlace Recall(byte[] body, RequestFacts facts, ContentKey names)
    {
        var read = new SessionHistory(names);
        foreach (var (request, i) in _requests.Select((r, i) => (r, i)))
            read.Add(new CapturedRequest(i + 1, request.Id, request.Content));
        _tips.Restore(Name, read);
        var place = new SessionPlace(_tips, Name, body, facts);
        if (_requests.Exists(r => r.Unavailable == UnavailableReason.RetentionElapsed))
            place.Withhold();
        return place;
    }

    public void AskUncaptured(bool answered = true) =>
        _requests.Add(new TranscriptRequest { Id = Guid.CreateVersion7(), At = 1, Answered = answered });

    /// <summary>What was sealed of the request.</summary>
    public string StoredText(int index) => Encoding.UTF8.GetString(_requests[index].Content.Span);

    /// <summary>Takes away what the request captured, as a lawful erasure does.</summary>
    public void Erase(int index) =>
        _requests[index] = _requests[index] with { Content = default, Unavailable = UnavailableReason.RetentionElapsed };

    public void Lose(int index) => _requests.RemoveAt(index);

    public List<TranscriptMessage> Read()
    {
        var transcript = new Transcript();
        return [.. _requests.SelectMany(r => transcript.Add(r))];
    }

    /// <summary>The transcript as lines: <c>u: text</c>, <c>a: text</c>, <c>marker</c> and the like.</summary>
    public string[] Lines() => [.. Read().Select(Line)];

    private static string Line(TranscriptMessage message)
    {
        var blocks = message.Blocks(new TranscriptLimits()).Select(b => b switch
        {
            TextBlock t => t.Text,
            ToolUseBlock u => $"{u.Name}({u.Input})",
            ToolResultBlock r => $"{r.Name}={string.Join('+', r.Texts)}",
            _ => "?",
        });
        var text = string.Join(" | ", blocks);
        return message.Provenance switch
        {
            Provenance.SyntheticMarker => text,
            Provenance.ContentUnavailable => $"{message.Role[0]}! {message.Reason}",
            Provenance.ClientAsserted => $"{message.Role[0]}? {text[(text.IndexOf(" | ", StringComparison.Ordinal) + 3)..]}",
            _ => $"{message.Role[0]}: {text}",
        };
    }
}
