using System.Collections.Concurrent;

namespace Demarc.Simulator.Messages;

/// <summary>
/// Remembers how far each conversation's prefix was cached. A conversation is known by where it is served (path before
/// the API's own), its model, its session header if any, and the bytes of its tools and system prompt; without a
/// session header also by the start of its messages. A gateway that alters or reorders the prefix therefore reads nothing.
/// </summary>
internal sealed class PromptCache
{
    private const int MaxConversations = 10_000;

    // Without a session header, the part of the body's user text that tells conversations with one system prompt apart.
    private const int OpeningBytes = 256;

    private readonly ConcurrentDictionary<Key, int> _cached = new();

    public Usage Settle(in MessageFacts facts, ReadOnlyMemory<byte> body, string place, ReadOnlySpan<byte> model, string? session, ReadOnlyMemory<byte> geo)
    {
        var total = EscapedText.Tokens(body.Length);
        var cacheable = facts.CacheableBytes / EscapedText.BytesPerToken;
        if (cacheable == 0)
            return new(total, 0, 0, false, geo);

        var key = new Key(place, session, Fingerprint(facts, body.Span, model, session));
        if (_cached.Count > MaxConversations)
            _cached.Clear();
        var read = Math.Min(_cached.GetValueOrDefault(key), cacheable);
        _cached[key] = cacheable;
        // A prompt always has a token that no cache holds.
        return new(Math.Max(1, total - cacheable), cacheable - read, read, facts.CacheOneHour, geo);
    }

    private static int Fingerprint(in MessageFacts facts, ReadOnlySpan<byte> body, ReadOnlySpan<byte> model, string? session)
    {
        var hash = default(HashCode);
        hash.AddBytes(model);
        hash.AddBytes(body[facts.Tools]);
        hash.AddBytes(body[facts.System]);
        if (session is null)
            hash.AddBytes(body[facts.Opening.Start.Value..Math.Min(facts.Opening.End.Value, facts.Opening.Start.Value + OpeningBytes)]);
        return hash.ToHashCode();
    }

    private readonly record struct Key(string Place, string? Session, int Fingerprint);
}
