using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Content;
using Demarc.Storage.Evidence;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Compliance;

/// <summary>Where a message stands in its session; places sort as the transcript does.</summary>
/// <param name="Begun">The request's, as <see cref="SessionRequest.Begun"/>.</param>
/// <param name="Slot">The message's, within the request.</param>
public readonly record struct MessagePlace(long Begun, int Slot)
{
    /// <summary>Below zero before the other, above it after.</summary>
    internal int Order(MessagePlace other) => (Begun, Slot).CompareTo((other.Begun, other.Slot));
}

/// <param name="Data">UTF-8 JSON of each message, in the order asked for.</param>
/// <param name="Next">The last place of the page when more follows.</param>
public sealed record TranscriptPage(IReadOnlyList<byte[]> Data, MessagePlace? Next);

/// <summary>Opens a session's captured content and reads a page of its transcript.</summary>
public sealed partial class TranscriptReader(Store store, ILogger<TranscriptReader> log)
{
    /// <summary>A page ends when its messages come to this (8 MiB), and never before its first.</summary>
    private const int MaxPageBytes = 8 << 20;

    // Requests read at once: each may bring as much content as a body may have.
    private const int Batch = 20;

    /// <param name="keptFrom">What was captured before this, Unix milliseconds, is not opened any more.</param>
    /// <param name="span">The first moment whose messages are shown, and the first one after.</param>
    /// <param name="after">The last place of the page before; null for the first page.</param>
    public async Task<TranscriptPage> ReadAsync(Session session, TranscriptLimits limits, long keptFrom, (long From, long To) span, MessagePlace? after, bool descending, int limit)
    {
        // One message more than the page holds tells whether another page follows.
        var page = new Queue<(MessagePlace Place, byte[] Json)>();
        var bytes = 0L;
        await foreach (var (place, message) in MessagesAsync(session, keptFrom))
        {
            if (message.At < span.From || message.At >= span.To)
                continue;
            if (after is { } start && (descending ? place.Order(start) >= 0 : place.Order(start) <= 0))
                continue;
            var json = SessionJson.Message(message, limits);
            page.Enqueue((place, json));
            bytes += json.Length;
            if (!descending && IsOver())
                break;
            // The newest are wanted: what stands before them goes.
            while (descending && (page.Count > limit + 1 || (page.Count > 2 && bytes - page.Peek().Json.Length > MaxPageBytes)))
                bytes -= page.Dequeue().Json.Length;
        }

        var rows = descending ? page.Reverse().ToArray() : page.ToArray();
        var kept = IsOver() ? rows[..^1] : rows;
        return new TranscriptPage([.. kept.Select(r => r.Json)], kept.Length < rows.Length ? kept[^1].Place : null);

        bool IsOver() => page.Count > limit || (page.Count > 1 && bytes > MaxPageBytes);
    }

    private async IAsyncEnumerable<(MessagePlace Place, TranscriptMessage Message)> MessagesAsync(Session session, long keptFrom)
    {
        var transcript = new Transcript();
        await foreach (var (begun, request) in RequestsAsync(session, keptFrom))
        {
            foreach (var message in transcript.Add(request))
                yield return (new MessagePlace(begun, message.Slot), message);
        }
    }

    /// <summary>The finished requests of a session, opened, in the order in which they began.</summary>
    internal async IAsyncEnumerable<(long Begun, TranscriptRequest Request)> RequestsAsync(Session session, long keptFrom)
    {
        var contents = new SessionContents(store, session.OrganizationId, session.Id);
        SessionRequest[] requests;
        for (var after = 0L; (requests = await store.Sessions.RequestsAsync(session.OrganizationId, session.Id, after, Batch)).Length > 0; after = requests[^1].Begun)
        {
            // One under way shows when it has finished: its messages would change under the same ids.
            foreach (var request in requests.Where(r => r.FinishedBody is not null))
                yield return (request.Begun, await OpenAsync(session, request, keptFrom, contents));
        }
    }

    private async Task<TranscriptRequest> OpenAsync(Session session, SessionRequest request, long keptFrom, SessionContents contents)
    {
        var id = new Guid(request.RequestId, bigEndian: true);
        var opened = new TranscriptRequest { Id = id, At = request.At };
        if (request.At < keptFrom)
            return opened with { Unavailable = UnavailableReason.RetentionElapsed };
        var finished = JsonSerializer.Deserialize(request.FinishedBody, RecordJson.Default.FinishedRecord)!;
        if (request.Content is not { Length: > 0 })
            return opened with
            {
                Answered = finished.Result == "answered",
                // What it names and is not there any more was erased.
                Unavailable = finished.ContentSha256 is null ? UnavailableReason.NotCaptured : UnavailableReason.RetentionElapsed,
            };
        try
        {
            return await contents.OpenAsync(request) is { } content ? opened with { Content = content } : opened with { Unavailable = UnavailableReason.RetentionElapsed };
        }
        catch (CryptographicException e)
        {
            LogNotOpened(e, id, session.Id);
            return opened;
        }
    }

    [LoggerMessage(4001, LogLevel.Error, "The content of request {Request} in {Session} does not open: it was altered, or sealed elsewhere")]
    private partial void LogNotOpened(Exception e, Guid request, string session);
}
