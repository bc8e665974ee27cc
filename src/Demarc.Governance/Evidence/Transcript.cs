using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Evidence;

/// <summary>
/// Assembles a session's transcript from its captured requests, given in the order in which they began: each message
/// once, when it was first said, whatever way the history came to be stored again. Holds identities, not content.
/// </summary>
public sealed class Transcript
{
    private const int SystemSlot = 0;
    private const int PlaceSlot = 1;
    private const int GapSlot = 2;
    private const int WithheldSlot = 3;
    private const int FirstMessageSlot = 16;
    private const int AnswerSlot = int.MaxValue;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = RequestScanner.MaxDepth + 16 };

    // Known to this reading alone: it tells messages apart, across the days whose keys would name them differently.
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly TranscriptNode _root = TranscriptNode.Root();
    private readonly Dictionary<Guid, TranscriptNode> _tips = [];
    private readonly HashSet<Guid> _elapsed = [];
    private readonly HashSet<UInt128> _answers = [];
    private readonly Dictionary<string, string> _toolNames = [];
    private TranscriptNode? _shownTo;
    private bool _systemShown;
    private bool _inElapsed;

    /// <summary>What a request adds, in order. Never throws for what a client may have sent.</summary>
    public IReadOnlyList<TranscriptMessage> Add(TranscriptRequest request)
    {
        if (request.Content.IsEmpty || !TryParse(request.Content.Span, out var captured))
            return Unavailable(request);
        _inElapsed = false;
        var turn = new Turn(this, request) { Also = captured.TryGetProperty("also", out var parts) && parts.TryGetInt32(out var flags) ? (CaptureParts)flags : CaptureParts.None };

        // 1 the system prompt: by its presence, or as it was where policy had it captured
        if (captured.TryGetProperty("system", out var system) && (!_systemShown || turn.Also.HasFlag(CaptureParts.System)))
        {
            if (turn.Also.HasFlag(CaptureParts.System))
                turn.Quote(SystemSlot, "system prompt", system);
            else
                turn.Mark(SystemSlot, "system prompt content not shown");
            _systemShown = true;
        }

        // 2 the place in its conversation that the request builds on
        var (node, prefix, isGap) = Place(captured);
        if (isGap)
            turn.Missing(GapSlot, "user", captured.TryGetProperty("elapsed", out _) ? UnavailableReason.RetentionElapsed : UnavailableReason.NotCaptured);

        // 3 its messages, as far as the place does not have them
        if (captured.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
        {
            var elements = messages.EnumerateArray().ToArray();
            var identities = Array.ConvertAll(elements, Identity);
            var known = 0;
            while (known < elements.Length && node.Child(identities[known]) is { } child)
            {
                node = node.Follow(child);
                known++;
            }
            if (known < elements.Length)
                turn.Note ??= PlaceNote(node);
            var replaced = known < elements.Length ? Pairs(node) : [];
            // History that comes again and is not known may be what has elapsed, captured a second time: a message
            // expires with its first capture.
            var history = _elapsed.Count == 0 ? 0 : Array.FindLastIndex(elements, e => Role(e) == "assistant") + 1;
            for (var i = known; i < elements.Length; i++)
            {
                node = node.Add(identities[i]);
                if (IsRepeated(elements[i], identities, i, replaced))
                    continue;
                if (i < history)
                    turn.Withhold();
                else
                    turn.Say(FirstMessageSlot + prefix + i, elements[i]);
            }
        }

        // 4 the answer
        if (captured.TryGetProperty("answer", out var answer) && answer.TryGetProperty("content", out var content))
        {
            var identity = AnswerIdentity(content);
            _answers.Add(identity);
            if (node.Child(identity) is { } same)
                node = node.Follow(same);
            else
            {
                turn.Note ??= PlaceNote(node);
                turn.Answer(content, answer.TryGetProperty("truncated", out var truncated) && truncated.ValueKind == JsonValueKind.True);
                node = node.Add(identity);
            }
        }

        _tips[request.Id] = node;
        if (turn.Shown.Count > 0)
            _shownTo = node;
        return turn.Shown;
    }

    private List<TranscriptMessage> Unavailable(TranscriptRequest request)
    {
        var turn = new Turn(this, request);
        var elapsed = request.Unavailable == UnavailableReason.RetentionElapsed;
        if (elapsed)
            _elapsed.Add(request.Id);
        // One placeholder stands for all that has elapsed.
        if (!elapsed || !_inElapsed)
            turn.Missing(FirstMessageSlot, "user", request.Unavailable);
        if (!elapsed && request.Answered)
            turn.Missing(AnswerSlot, "assistant", request.Unavailable);
        _inElapsed = elapsed;
        return turn.Shown;
    }

    // A parent that is not there (never stored, elapsed) leaves a history whose beginning is unknown; the placeholder of
    // what has elapsed stands for it already.
    private (TranscriptNode Node, int Prefix, bool IsGap) Place(JsonElement captured)
    {
        var prefix = captured.TryGetProperty("prefix", out var p) && p.TryGetInt32(out var n) && n > 0 ? n : 0;
        if (prefix == 0)
            return (_root, 0, false);
        Guid id = default;
        var known = TranscriptContent.String(captured, "parent") is { } parent && Ids.TryParse(Ids.Request, parent, out id) && _tips.TryGetValue(id, out var tip)
            ? tip.Ancestor(prefix)
            : null;
        var isTold = captured.TryGetProperty("elapsed", out _) ? _elapsed.Count > 0 : _elapsed.Contains(id);
        return (known ?? _root.Gap(prefix), prefix, known is null && !isTold);
    }

    // What a reader has to know about the place where new messages go on; empty where they follow what was shown last.
    private string PlaceNote(TranscriptNode place) =>
        _shownTo is null || place == _shownTo || (place.IsGap && place.Latest is null) ? ""
        : place.Depth == 0 ? "a prompt history of its own begins: another conversation of this session, or this one after compaction"
        : place.Latest is not null ? "the client rewrote the history of this conversation; what is new in it follows"
        : "an earlier conversation of this session continues";

    // Rewritten history brings back what was said before: a captured answer, or a message with the neighbour it had.
    private bool IsRepeated(JsonElement message, UInt128[] identities, int i, HashSet<(UInt128, UInt128)> replaced) =>
        (Role(message) == "assistant" && _answers.Contains(identities[i]))
        || (i + 1 < identities.Length && replaced.Contains((identities[i], identities[i + 1])))
        || (i > 0 && replaced.Contains((identities[i - 1], identities[i])));

    // Neighbours in the history that a branch takes the place of.
    private static HashSet<(UInt128, UInt128)> Pairs(TranscriptNode branch)
    {
        var pairs = new HashSet<(UInt128, UInt128)>();
        for (var node = branch.Latest; node?.Latest is { } next; node = next)
            pairs.Add((node.Identity, next.Identity));
        return pairs;
    }

    private UInt128 Identity(JsonElement message) => MessageIdentity.Of(_key, JsonMarshal.GetRawUtf8Value(message));

    private UInt128 AnswerIdentity(JsonElement content) =>
        MessageIdentity.Of(_key, [.. "{\"role\":\"assistant\",\"content\":"u8, .. JsonMarshal.GetRawUtf8Value(content), (byte)'}']);

    private static string Role(JsonElement message) => TranscriptContent.String(message, "role") ?? "user";

    private static bool TryParse(ReadOnlySpan<byte> content, out JsonElement captured)
    {
        try
        {
            captured = JsonElement.Parse(content, Options);
            return captured.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            captured = default;
            return false;
        }
    }

    /// <summary>What one request shows.</summary>
    private sealed class Turn(Transcript transcript, TranscriptRequest request)
    {
        private bool _placed;
        private bool _withheld;

        public List<TranscriptMessage> Shown { get; } = [];

        /// <summary>What was captured beside the conversation.</summary>
        public CaptureParts Also { get; init; }

        /// <summary>The note on the request's place, shown before the first message that is new there; empty for none.</summary>
        public string? Note { get; set; }

        public void Mark(int slot, string note) => Show(slot, "user", Provenance.SyntheticMarker, default, note);

        public void Quote(int slot, string note, JsonElement content) => Show(slot, "user", Provenance.SyntheticMarker, content, note);

        public void Missing(int slot, string role, string reason) => Show(slot, role, Provenance.ContentUnavailable, default, null, reason);

        /// <summary>Says once that there is more, and not what.</summary>
        public void Withhold()
        {
            if (!_withheld)
                Mark(WithheldSlot, "history that the client sent again is not shown: part of this session is past its retention");
            _withheld = true;
        }

        public void Say(int slot, JsonElement message)
        {
            MarkPlace();
            var role = Role(message);
            var content = message.ValueKind == JsonValueKind.Object && message.TryGetProperty("content", out var c) ? c : default;
            transcript.Learn(content);
            if (content.ValueKind == JsonValueKind.Undefined && message.ValueKind == JsonValueKind.Object && message.TryGetProperty("oversize", out _))
                Missing(slot, role == "assistant" ? role : "user", UnavailableReason.Oversize);
            else if (role == "assistant")
                Show(slot, role, Provenance.ClientAsserted, content, "supplied by the client as conversation history; it matches no captured answer");
            else
                Show(slot, "user", Provenance.Verified, content, role == "user" ? null : "sent by the client in another role than user");
        }

        public void Answer(JsonElement content, bool truncated)
        {
            MarkPlace();
            transcript.Learn(content);
            Show(AnswerSlot, "assistant", Provenance.Verified, content, truncated ? "the capture of this answer ends early" : null);
        }

        private void MarkPlace()
        {
            if (!_placed && Note is { Length: > 0 } note)
                Mark(PlaceSlot, note);
            _placed = true;
        }

        private void Show(int slot, string role, Provenance provenance, JsonElement content, string? note, string? reason = null) =>
            Shown.Add(new TranscriptMessage(request, slot, role, provenance, content, transcript._toolNames, note, reason, Also.HasFlag(CaptureParts.Thinking)));
    }

    private void Learn(JsonElement content)
    {
        foreach (var (id, name) in TranscriptContent.ToolCalls(content))
            _toolNames[id] = name;
    }
}
