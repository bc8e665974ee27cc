using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Evidence;

/// <summary>One captured request of a session, as the store has it.</summary>
/// <param name="Begun">Rises from request to request of a session.</param>
/// <param name="Content">The opened <see cref="CapturedContent"/>; empty where there is none any more.</param>
public readonly record struct CapturedRequest(long Begun, Guid Id, ReadOnlyMemory<byte> Content);

/// <summary>What others captured of a session.</summary>
/// <param name="IsCut">Whether content of the session has been erased.</param>
/// <param name="Requests">In the order in which they began; empty when this process has seen them all.</param>
public sealed record CapturedHistory(bool IsCut, IAsyncEnumerable<CapturedRequest> Requests);

/// <summary>
/// Reads captured requests of a session in their order and gathers what its tips would be had this process captured them.
/// Keeps names, and the attachments until it is let go.
/// </summary>
/// <param name="names">Of <see cref="SessionTips.NamesOf"/>.</param>
public sealed class SessionHistory(ContentKey names)
{
    // Text and attachments (base64) of one session that are held at once; messages with others count as unknown.
    private const long MaxAttachmentBytes = 64 << 20;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = Wire.RequestScanner.MaxDepth + 16 };

    private readonly Dictionary<Guid, SessionTip> _all = [];
    private readonly Dictionary<string, byte[]> _base64 = [];
    private readonly HashSet<Guid> _parents = [];
    private long _bytes;

    public ContentKey Names => names;

    /// <summary>The last <see cref="CapturedRequest.Begun"/>; 0 before any.</summary>
    public long Last { get; private set; }

    /// <summary>Requests that no later one builds on, in their order.</summary>
    internal IEnumerable<SessionTip> Tips => _all.Values.Where(t => !_parents.Contains(t.Request));

    /// <summary>Attachments by the name that this process gives them, with the one they are stored under.</summary>
    internal Dictionary<UInt128, UInt128> Attachments { get; } = [];

    public void Add(CapturedRequest request)
    {
        Last = request.Begun;
        if (request.Content.IsEmpty)
            return;
        JsonElement captured;
        try
        {
            captured = JsonElement.Parse(request.Content.Span, Options);
        }
        catch (JsonException)
        {
            // A client's bytes that are no JSON: nothing builds on them.
            return;
        }
        Keep(captured);
        SessionTip? parent = null;
        if (TranscriptContent.String(captured, "parent") is { } text && Ids.TryParse(Ids.Request, text, out var id))
        {
            _parents.Add(id);
            parent = _all.GetValueOrDefault(id);
        }
        var prefix = captured.TryGetProperty("prefix", out var p) && p.TryGetInt32(out var n) && n > 0 ? n : 0;
        var messages = new List<UInt128>(prefix + 8);
        for (var i = 0; i < prefix; i++)
            messages.Add(i < parent?.Messages.Length ? parent.Messages[i] : SessionTip.Unknown);
        if (captured.TryGetProperty("messages", out var own) && own.ValueKind == JsonValueKind.Array)
            messages.AddRange(own.EnumerateArray().Select(Name));
        if (captured.TryGetProperty("answer", out var answer) && answer.TryGetProperty("content", out var content))
            messages.Add(MessageIdentity.OfAnswer(names, JsonMarshal.GetRawUtf8Value(content)));
        var system = !captured.TryGetProperty("system", out var s) ? parent?.System ?? default
            : s.ValueKind == JsonValueKind.Object && s.TryGetProperty("omitted", out _) ? SessionTip.Unknown
            : MessageIdentity.Of(names, JsonMarshal.GetRawUtf8Value(s));
        _all[request.Id] = new SessionTip(request.Id, system, [.. messages]);
    }

    private void Keep(JsonElement captured)
    {
        if (!captured.TryGetProperty("attachments", out var attachments) || attachments.ValueKind != JsonValueKind.Object)
            return;
        foreach (var attachment in attachments.EnumerateObject())
        {
            var base64 = JsonMarshal.GetRawUtf8Value(attachment.Value)[1..^1];
            if (!CapturedContent.TryName(attachment.Name, out var stored))
                continue;
            Attachments[names.Identify(base64)] = stored;
            if ((_bytes += base64.Length) <= MaxAttachmentBytes)
                _base64[attachment.Name] = base64.ToArray();
        }
    }

    private UInt128 Name(JsonElement message)
    {
        if (message.ValueKind == JsonValueKind.Object && !message.TryGetProperty("content", out _) && message.TryGetProperty("oversize", out _))
            return SessionTip.Unknown;
        var json = JsonMarshal.GetRawUtf8Value(message);
        return json.IndexOf("\"att_"u8) < 0 ? MessageIdentity.Of(names, json) : Whole(json) is { } whole ? MessageIdentity.Of(names, whole) : SessionTip.Unknown;
    }

    // The message as the client sent it, with its attachments in the place of their names; null where one is not at hand.
    private byte[]? Whole(ReadOnlySpan<byte> json)
    {
        using var whole = new MemoryStream();
        int at;
        while ((at = json.IndexOf("\"att_"u8)) >= 0)
        {
            var end = at + 1 + CapturedContent.NameLength;
            if (end >= json.Length || json[end] != '"' || !CapturedContent.TryName(Encoding.ASCII.GetString(json[(at + 1)..end]), out _))
            {
                // What a client wrote that looks like the beginning of a name.
                whole.Write(json[..(at + 1)]);
                json = json[(at + 1)..];
                continue;
            }
            if (!_base64.TryGetValue(Encoding.ASCII.GetString(json[(at + 1)..end]), out var base64))
                return null;
            whole.Write(json[..(at + 1)]);
            whole.Write(base64);
            json = json[end..];
        }
        whole.Write(json);
        return whole.ToArray();
    }
}
