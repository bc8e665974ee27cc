using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Evidence;

/// <summary>
/// What is captured of one request, before it is sealed: UTF-8 JSON
/// <c>{"v":1,"parent":"req_…"|null,"prefix":n,"parent_length":n,"system":…?,"messages":[…],"answer":{"id","content":[…],"stop_reason","truncated"}?}</c>.
/// <c>messages</c> holds the client's own bytes of each message after the prefix; one past
/// <see cref="MaxMessageBytes"/> is kept as <c>{"role":…,"oversize":bytes}</c>. <c>system</c> is absent when the
/// parent's holds, and <c>{"omitted":bytes}</c> where it is not to be kept; <c>also</c> is the <see cref="CaptureParts"/> that are. <c>answer</c> is absent when none came.
/// Images, documents and the like (base64) stand in messages as <c>att_</c> and the hex of an HMAC, and once a session in
/// <c>attachments</c>, as <c>{"att_…":"base64"}</c>; those past <see cref="MaxAttachmentBytes"/> nowhere. <c>"elapsed":true</c>
/// stands where some of the prefix was not kept because it may have been erased (<see cref="SessionPlace.Withhold"/>).
/// </summary>
public sealed class CapturedContent
{
    /// <summary>A larger message (1 MiB) is noted, not kept.</summary>
    public const int MaxMessageBytes = 1 << 20;

    /// <summary>Larger attachments (base64, 8 MiB) are named, not kept.</summary>
    public const int MaxAttachmentBytes = 8 << 20;

    private readonly ArrayBufferWriter<byte> _output = new(1024);
    private readonly List<UInt128> _attached = [];
    private readonly CaptureParts _also;

    /// <summary>Copies what is new out of a request's body, which may be let go afterwards.</summary>
    /// <param name="also">What is kept beside the conversation: of a system prompt that is not, that there was one.</param>
    public CapturedContent(ReadOnlySpan<byte> body, RequestFacts facts, Continuation continuation, CaptureParts also = CaptureParts.None, SessionAttachments? attachments = null)
    {
        _also = also;
        var parent = continuation.Parent is { } id ? $"\"{Ids.From(Ids.Request, id)}\"" : "null";
        Write($"{{\"v\":1,\"parent\":{parent},\"prefix\":{continuation.Prefix},\"parent_length\":{continuation.ParentLength}");
        if (continuation.IsWithheld)
            _output.Write(",\"elapsed\":true"u8);
        if (continuation.SystemIsNew && !facts.System.IsEmpty)
        {
            _output.Write(",\"system\":"u8);
            if (also.HasFlag(CaptureParts.System))
                Bounded(facts.System.Of(body), "system");
            else
                Write($"{{\"omitted\":{facts.System.Length}}}");
        }
        if (also != CaptureParts.None)
            Write($",\"also\":{(int)also}");
        _output.Write(",\"messages\":["u8);
        List<(UInt128 Name, Slice Data)>? found = null;
        for (var i = continuation.Prefix; i < facts.Messages.Count; i++)
        {
            if (i > continuation.Prefix)
                _output.Write(","u8);
            var message = facts.Messages[i].Of(body);
            if (attachments is not null && AttachmentScan.Of(message) is { Count: > 0 } slices)
                Bounded(Kept(Referenced(message, slices, facts.Messages[i].Start, attachments, found ??= [])), null);
            else
                Bounded(Kept(message), null);
        }
        _output.Write("]"u8);
        if (found is { Count: > 0 })
            Attach(body, found);
    }

    /// <summary>Attachments that are in this content and were in none of the session before.</summary>
    public IReadOnlyList<UInt128> Attached => _attached;

    /// <summary>The whole, with the answer's content (a JSON array) when there is one.</summary>
    public ReadOnlySpan<byte> Finish(AnswerFacts answer, ReadOnlySpan<byte> content, bool truncated)
    {
        if (!content.IsEmpty)
        {
            _output.Write(",\"answer\":{\"id\":"u8);
            Text(answer.Id);
            _output.Write(",\"content\":"u8);
            _output.Write(Kept(content));
            _output.Write(",\"stop_reason\":"u8);
            Text(answer.StopReason);
            _output.Write(truncated ? ",\"truncated\":true}"u8 : "}"u8);
        }
        _output.Write("}"u8);
        return _output.WrittenSpan;
    }

    // The message with a name in the place of each attachment.
    private static byte[] Referenced(ReadOnlySpan<byte> message, List<Slice> slices, int start, SessionAttachments attachments, List<(UInt128, Slice)> found)
    {
        var output = new ArrayBufferWriter<byte>(message.Length - slices.Sum(s => s.Length) + (slices.Count * 40));
        var at = 0;
        foreach (var slice in slices)
        {
            var (name, isKept) = attachments.Find(slice.Of(message));
            if (!isKept)
                found.Add((name, new Slice(start + slice.Start, slice.Length)));
            output.Write(message[at..slice.Start]);
            Encoding.ASCII.GetBytes(NameText(name), output);
            at = slice.End;
        }
        output.Write(message[at..]);
        return output.WrittenSpan.ToArray();
    }

    private void Attach(ReadOnlySpan<byte> body, List<(UInt128 Name, Slice Data)> found)
    {
        _output.Write(",\"attachments\":{"u8);
        foreach (var (name, data) in found)
        {
            if (data.Length > MaxAttachmentBytes || _attached.Contains(name))
                continue;
            Write($"{(_attached.Count > 0 ? "," : "")}\"{NameText(name)}\":\"");
            _output.Write(data.Of(body));
            _output.Write("\""u8);
            _attached.Add(name);
        }
        _output.Write("}"u8);
    }

    /// <summary>Characters of an attachment's name.</summary>
    internal const int NameLength = 36;

    private const string NamePrefix = "att_";

    /// <summary>The number of an attachment's name; false for a text that is none.</summary>
    public static bool TryName(string text, out UInt128 name)
    {
        name = default;
        return text.Length == NameLength && text.StartsWith(NamePrefix, StringComparison.Ordinal)
            && UInt128.TryParse(text.AsSpan(NamePrefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out name);
    }

    private static string NameText(UInt128 name) => $"{NamePrefix}{name:x32}";

    private ReadOnlySpan<byte> Kept(ReadOnlySpan<byte> json) =>
        _also.HasFlag(CaptureParts.Thinking) || json.IndexOf("thinking\""u8) < 0 ? json : ThinkingBlocks.Without(json);

    private void Bounded(ReadOnlySpan<byte> json, string? role)
    {
        if (json.Length <= MaxMessageBytes)
        {
            _output.Write(json);
            return;
        }
        Write($"{{\"role\":\"{role ?? (IsAssistant(json) ? "assistant" : "user")}\",\"oversize\":{json.Length}}}");
    }

    /// <summary>Whether a message says that the model said it.</summary>
    internal static bool IsAssistant(ReadOnlySpan<byte> message)
    {
        try
        {
            var reader = new Utf8JsonReader(message, new JsonReaderOptions { MaxDepth = RequestScanner.MaxDepth + 8 });
            return reader.Find("role"u8) && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("assistant"u8);
        }
        catch (InvalidOperationException)
        {
            // A name that is half of a surrogate pair: the scanner lets it pass, and the reader compares it with nothing.
            return false;
        }
    }

    // Ids and numbers only.
    private void Write(DefaultInterpolatedStringHandler text) => Encoding.ASCII.GetBytes(text.ToStringAndClear(), _output);

    private void Text(string? value)
    {
        if (value is null)
            _output.Write("null"u8);
        else
            Encoding.UTF8.GetBytes($"\"{JsonEncodedText.Encode(value)}\"", _output);
    }
}
