using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Wire;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Compliance;

/// <summary>An image, a document or the like of a session, which messages refer to.</summary>
/// <param name="Of">As the first message has it.</param>
/// <param name="At">When it was first said, Unix milliseconds.</param>
/// <param name="MessageIds"><c>clsm_…</c>, in order.</param>
internal sealed record SessionAttachment(TranscriptAttachment Of, long At, List<string> MessageIds)
{
    /// <summary>Bytes; null where it is named and not kept: too large, no base64, or past its retention.</summary>
    public int? Size { get; set; }

    /// <summary>Of the bytes, as the Compliance API names files by it.</summary>
    public byte[]? Md5 { get; set; }
}

/// <summary>Reads what the messages of a session carry beside text.</summary>
public sealed class AttachmentReader(TranscriptReader reader)
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = RequestScanner.MaxDepth + 16 };

    /// <summary>Those that messages of a span of time refer to, in the order in which they were first said.</summary>
    internal async Task<SessionAttachment[]> ListAsync(Session session, long keptFrom, (long From, long To) span)
    {
        var transcript = new Transcript();
        var found = new OrderedDictionary<string, SessionAttachment>();
        var kept = new Dictionary<string, (int, byte[])>();
        await foreach (var (_, request) in reader.RequestsAsync(session, keptFrom))
        {
            foreach (var message in transcript.Add(request).Where(m => m.At >= span.From && m.At < span.To))
            {
                foreach (var attachment in message.Attachments)
                {
                    if (!found.TryGetValue(attachment.Id, out var known))
                        found.Add(attachment.Id, known = new SessionAttachment(attachment, message.At, []));
                    if (known.MessageIds.LastOrDefault() != message.Id)
                        known.MessageIds.Add(message.Id);
                }
            }
            foreach (var (id, bytes) in Stored(request))
                kept[id] = (bytes.Length, Md5(bytes));
        }
        foreach (var (id, attachment) in found.Where(f => kept.ContainsKey(f.Key)))
            (attachment.Size, attachment.Md5) = kept[id];
        return [.. found.Values];
    }

    /// <summary>The bytes of attachments, as far as they are kept.</summary>
    internal async IAsyncEnumerable<(string Id, byte[] Bytes)> ContentsAsync(Session session, long keptFrom, IReadOnlySet<string> ids)
    {
        await foreach (var (_, request) in reader.RequestsAsync(session, keptFrom))
        {
            foreach (var stored in Stored(request).Where(s => ids.Contains(s.Id)))
                yield return stored;
        }
    }

    // The Compliance API names files by it; nothing is secured by it.
#pragma warning disable CA5351
    private static byte[] Md5(byte[] bytes) => MD5.HashData(bytes);
#pragma warning restore CA5351

    private static IEnumerable<(string Id, byte[] Bytes)> Stored(TranscriptRequest request)
    {
        if (request.Content.Span.IndexOf("\"attachments\":{\"att_"u8) < 0)
            return [];
        try
        {
            return
            [
                .. JsonElement.Parse(request.Content.Span, Options).GetProperty("attachments").EnumerateObject()
                    .Select(a => (a.Name, Bytes: a.Value.TryGetBytesFromBase64(out var bytes) ? bytes : null)).Where(a => a.Bytes is not null).Select(a => (a.Name, a.Bytes!)),
            ];
        }
        catch (JsonException)
        {
            // The transcript shows such content as not captured.
            return [];
        }
    }
}
