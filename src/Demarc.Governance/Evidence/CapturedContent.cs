using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Evidence;

/// <summary>
/// What is captured of one request, before it is sealed: UTF-8 JSON
/// <c>{"v":1,"parent":"req_…"|null,"prefix":n,"parent_length":n,"system":…?,"messages":[…],"answer":{"id","content":[…],"stop_reason","truncated"}?}</c>.
/// <c>messages</c> holds the client's own bytes of each message after the prefix; one past
/// <see cref="MaxMessageBytes"/> is kept as <c>{"role":…,"oversize":bytes}</c>. <c>system</c> is absent when the
/// parent's holds. <c>answer</c> is absent when none came.
/// </summary>
public sealed class CapturedContent
{
    /// <summary>A larger message (1 MiB) is noted, not kept.</summary>
    public const int MaxMessageBytes = 1 << 20;

    private readonly ArrayBufferWriter<byte> _output = new(1024);

    /// <summary>Copies what is new out of a request's body, which may be let go afterwards.</summary>
    public CapturedContent(ReadOnlySpan<byte> body, RequestFacts facts, Continuation continuation)
    {
        var parent = continuation.Parent is { } id ? $"\"{Ids.From(Ids.Request, id)}\"" : "null";
        Write($"{{\"v\":1,\"parent\":{parent},\"prefix\":{continuation.Prefix},\"parent_length\":{continuation.ParentLength}");
        if (continuation.SystemIsNew && !facts.System.IsEmpty)
        {
            _output.Write(",\"system\":"u8);
            Bounded(facts.System.Of(body), "system");
        }
        _output.Write(",\"messages\":["u8);
        for (var i = continuation.Prefix; i < facts.Messages.Count; i++)
        {
            if (i > continuation.Prefix)
                _output.Write(","u8);
            Bounded(facts.Messages[i].Of(body), null);
        }
        _output.Write("]"u8);
    }

    /// <summary>The whole, with the answer's content (a JSON array) when there is one.</summary>
    public ReadOnlySpan<byte> Finish(AnswerFacts answer, ReadOnlySpan<byte> content, bool truncated)
    {
        if (!content.IsEmpty)
        {
            _output.Write(",\"answer\":{\"id\":"u8);
            Text(answer.Id);
            _output.Write(",\"content\":"u8);
            _output.Write(content);
            _output.Write(",\"stop_reason\":"u8);
            Text(answer.StopReason);
            _output.Write(truncated ? ",\"truncated\":true}"u8 : "}"u8);
        }
        _output.Write("}"u8);
        return _output.WrittenSpan;
    }

    private void Bounded(ReadOnlySpan<byte> json, string? role)
    {
        if (json.Length <= MaxMessageBytes)
        {
            _output.Write(json);
            return;
        }
        Write($"{{\"role\":\"{role ?? Role(json)}\",\"oversize\":{json.Length}}}");
    }

    private static string Role(ReadOnlySpan<byte> message)
    {
        var reader = new Utf8JsonReader(message, new JsonReaderOptions { MaxDepth = RequestScanner.MaxDepth + 8 });
        while (reader.Read())
        {
            if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals("role"u8))
                continue;
            reader.Read();
            return reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("assistant"u8) ? "assistant" : "user";
        }
        return "user";
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
