namespace Demarc.Governance.Evidence;

/// <summary>What a row of the evidence log says.</summary>
public enum RecordKind : byte
{
    /// <summary>A request was admitted and its first attempt chosen: <see cref="BegunRecord"/>.</summary>
    Begun = 1,

    /// <summary>A later attempt of the same request: <see cref="AttemptRecord"/>.</summary>
    Attempt = 2,

    /// <summary>A request ended: <see cref="FinishedRecord"/>, with its sealed content if captured.</summary>
    Finished = 3,

    /// <summary>Anything else that happened (a refusal, a key made, an alias moved): <see cref="EventRecord"/>.</summary>
    Event = 4,
}

/// <summary>
/// One row of the append-only evidence log. The arrays belong to the sink until the append completes.
/// </summary>
public sealed class EvidenceRecord
{
    public required string OrganizationId { get; init; }

    public required RecordKind Kind { get; init; }

    /// <summary>The request (or event) this row belongs to; version 7, so that rows sort by time.</summary>
    public required Guid RequestId { get; init; }

    /// <summary>Unix time in milliseconds.</summary>
    public required long At { get; init; }

    /// <summary>The session, <c>clls_…</c>; null for an event outside of any session.</summary>
    public string? SessionId { get; init; }

    /// <summary>UTF-8 JSON of the record named by <see cref="Kind"/>. Never content of a prompt or an answer.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>
    /// What <see cref="Body"/> holds, as an object (<see cref="BegunRecord"/>, …), so that whoever follows the log in this
    /// process need not read it again; null when only the bytes are at hand.
    /// </summary>
    public object? Document { get; init; }

    /// <summary>Sealed content (see <see cref="ContentKey"/>); empty when nothing is captured.</summary>
    public ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>Of body and content.</summary>
    public int Bytes => Body.Length + Content.Length;
}

/// <summary>Where records become durable. The request path's only way to the store.</summary>
public interface IEvidenceSink
{
    /// <summary>
    /// Queues a record; the task completes when it is durable, and faults when the store refused it.
    /// Records of one caller become durable in the order in which they were queued. One of kind
    /// <see cref="RecordKind.Begun"/> may wait up to 2 ms for company: see <see cref="Hurry"/>.
    /// </summary>
    Task AppendAsync(EvidenceRecord record);

    /// <summary>Somebody waits for a request's beginning to be durable: what is queued waits for no company.</summary>
    void Hurry();

    /// <summary>
    /// Takes a record that could not be made durable, and offers it again until it is, once, for as long as the process lives: what a
    /// provider has begun to serve is settled though nothing of it was answered.
    /// </summary>
    void Later(EvidenceRecord record);

    /// <summary>
    /// The content key of a session and UTC day, made and kept (wrapped) on first use.
    /// Completes synchronously when the key is cached.
    /// </summary>
    ValueTask<ContentKey> ContentKeyAsync(string organizationId, string sessionId, DateOnly day);

    /// <summary>What was captured of a session before, by this process or another.</summary>
    /// <param name="after">The last <see cref="CapturedRequest.Begun"/> that this process read; null when it read none.</param>
    Task<CapturedHistory> HistoryAsync(string organizationId, string sessionId, long? after);
}
