using System.Text.Json.Serialization;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Evidence;

/// <summary>Who acted: a principal, the key it used and where it came from.</summary>
/// <param name="Type"><c>user</c>, <c>service_account</c>, <c>system</c> (Demarc itself) or <c>cli</c> (the command line on the host).</param>
/// <param name="Id"><c>user_…</c>, <c>svac_…</c>, or a name for the other types.</param>
/// <param name="Email">A user's address as it was then.</param>
/// <param name="KeyId">The API key used, <c>apikey_…</c>.</param>
/// <param name="KeyKind">The key's kind as it was then: <c>inference</c>, <c>admin</c> or <c>compliance</c>.</param>
public sealed record ActorRecord(
    string Type,
    string Id,
    string? Email = null,
    string? KeyId = null,
    string? KeyKind = null,
    string? IpAddress = null,
    string? UserAgent = null)
{
    /// <summary>The principal behind a request.</summary>
    public static ActorRecord Of(Principal principal, string? ipAddress, string? userAgent) =>
        new(principal.Type, principal.Id, principal.Email, principal.KeyId, ApiKey.KindName(principal.KeyKind), ipAddress, userAgent);
}

/// <summary>One call to one deployment, as it was decided.</summary>
/// <param name="Number">1 for the first attempt.</param>
/// <param name="ReservedNanoUsd">Money held for it: input at a bound from its bytes, output at its bound.</param>
/// <param name="After">Why the attempt before it was given up: <c>status_529</c>, <c>timeout</c>, <c>unreachable</c>, …; null for the first.</param>
/// <param name="Boundary">The id of the data path in force (<see cref="Boundaries.BoundaryDocument"/>), declared once in an event of its own.</param>
public sealed record AttemptRecord(
    int Number,
    string Resource,
    string Deployment,
    string Model,
    string Platform,
    string Hosting,
    string Scope,
    string? Region,
    long ReservedNanoUsd,
    string? After = null,
    string? Boundary = null)
{
    /// <summary>The meters of the limits that its cost counts towards; null for none.</summary>
    public string[]? Budgets { get; init; }

    /// <summary>
    /// What the attempt before stands at, nano-dollars, as it may have been billed: it had the whole request and nobody saw what
    /// came of it. Null where nothing can be owed.
    /// </summary>
    public long? AfterNanoUsd { get; init; }
}

/// <summary>Hashes (<c>sha256:…</c>) of what was in force when the decision was made.</summary>
public sealed record ReceiptRecord(string Policy, string Catalog, string Configuration);

/// <summary>A request was admitted: who asks what, and where it goes first.</summary>
public sealed record BegunRecord
{
    /// <summary><c>req_…</c>, also answered in <c>demarc-request-id</c>.</summary>
    public required string Id { get; init; }

    public required ActorRecord Actor { get; init; }

    /// <summary>The workspace of the key or the project, <c>wrkspc_…</c>; null for the default one.</summary>
    public string? WorkspaceId { get; init; }

    /// <summary>The project that the request is for, <c>claude_proj_…</c>; null for none.</summary>
    public string? ProjectId { get; init; }

    /// <summary><c>claude_code</c>, <c>cowork</c> or <c>api</c>, from the client's user agent.</summary>
    public required string Surface { get; init; }

    /// <summary><c>anthropic</c> or <c>foundry</c>: the dialect the client spoke.</summary>
    public required string Dialect { get; init; }

    /// <summary><c>messages</c> or <c>count_tokens</c>.</summary>
    public required string Operation { get; init; }

    /// <summary>The client's own session id, as it asserted it; null for a synthetic session.</summary>
    public string? ClientSession { get; init; }

    public string? Agent { get; init; }

    public string? ParentAgent { get; init; }

    public string? PromptId { get; init; }

    public string? RequestClass { get; init; }

    public required string ModelAsked { get; init; }

    /// <summary>Deployments in the order of the plan, as <c>resource/deployment</c>.</summary>
    public required string[] Plan { get; init; }

    public required AttemptRecord Attempt { get; init; }

    /// <summary><c>full</c>, <c>metadata</c> or <c>none</c>.</summary>
    public required string Capture { get; init; }

    public bool Stream { get; init; }

    public long? MaxTokens { get; init; }

    public long RequestBytes { get; init; }

    /// <summary>What was changed between the client's bytes and the provider's: names from the closed list of law 2.</summary>
    public required string[] Splices { get; init; }

    public string? Betas { get; init; }

    public required ReceiptRecord Receipt { get; init; }

    /// <summary>The replica that holds the request; its orphans are settled when it is gone.</summary>
    public required string Replica { get; init; }
}

/// <summary>Tokens as the provider reported them; counts are tokens but where a name says otherwise.</summary>
public sealed record UsageRecord
{
    public long InputTokens { get; init; }

    public long OutputTokens { get; init; }

    public long CacheRead { get; init; }

    public long CacheWrite5m { get; init; }

    public long CacheWrite1h { get; init; }

    public long WebSearchRequests { get; init; }

    /// <summary>Calls of code execution that are billed by time, of which answers say nothing.</summary>
    public long CodeExecutionRequests { get; init; }
}

/// <summary>What one model did of a request that several worked on (<c>usage.iterations[]</c>).</summary>
/// <param name="Model">The iteration's own, or the attempt's where it names none.</param>
/// <param name="ListNanoUsd">At the public list; null when that is <paramref name="CostNanoUsd"/>.</param>
public sealed record PartRecord(string Model, UsageRecord Usage, long CostNanoUsd, long? ListNanoUsd);

/// <summary>What the provider said about its own handling.</summary>
public sealed record ProviderRecord
{
    /// <summary>Header <c>request-id</c>.</summary>
    public string? RequestId { get; init; }

    /// <summary>Header <c>apim-request-id</c> (Foundry).</summary>
    public string? ApimRequestId { get; init; }

    /// <summary>The message's <c>id</c>.</summary>
    public string? MessageId { get; init; }

    /// <summary><c>usage.inference_geo</c>.</summary>
    public string? InferenceGeo { get; init; }

    /// <summary><c>usage.service_tier</c>.</summary>
    public string? ServiceTier { get; init; }

    /// <summary><c>usage.speed</c>.</summary>
    public string? Speed { get; init; }
}

/// <summary>A request ended: what came of it and what it cost.</summary>
public sealed record FinishedRecord
{
    public required string Id { get; init; }

    /// <summary>
    /// <c>answered</c>, <c>upstream_error</c> (the provider refused or failed), <c>client_gone</c>,
    /// <c>upstream_lost</c> (broke in mid-stream), <c>revoked</c>, <c>limit_reached</c> (a hard limit ended the stream), or <c>interrupted</c> (this replica died).
    /// </summary>
    public required string Result { get; init; }

    /// <summary>The HTTP status the client saw, or would have seen.</summary>
    public int Status { get; init; }

    public string? ErrorType { get; init; }

    /// <summary>The attempt that answered.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The id of the data path of that attempt, where it was not the first, which <c>begun</c> holds.</summary>
    public string? Boundary { get; init; }

    /// <summary>That attempt, where it was not the first, which <c>begun</c> holds: activities say where a request ran.</summary>
    public AttemptRecord? AnsweredBy { get; init; }

    /// <summary>The answer's own <c>model</c>, before any rewriting.</summary>
    public string? ModelServed { get; init; }

    public string? StopReason { get; init; }

    public UsageRecord? Usage { get; init; }

    /// <summary>The settlement in nano-dollars (1 USD = 10^9).</summary>
    public long CostNanoUsd { get; init; }

    /// <summary>The same at the public list; null when that is <see cref="CostNanoUsd"/>.</summary>
    public long? ListNanoUsd { get; init; }

    /// <summary>Where the price came from: <c>catalog</c>, <c>negotiated</c>, or <c>fallback</c> when the catalog has none for the model.</summary>
    public string? PriceSource { get; init; }

    /// <summary>What each model did, where the usage lists iterations; together they cost <see cref="CostNanoUsd"/>.</summary>
    public PartRecord[]? Parts { get; init; }

    /// <summary>True when the usage is not the provider's final word.</summary>
    public bool Incomplete { get; init; }

    public ProviderRecord? Provider { get; init; }

    /// <summary>Arrival of the request to release of the end of the answer, microseconds.</summary>
    public long LatencyUs { get; init; }

    /// <summary>Arrival of the request to the provider's first byte, microseconds; 0 when none came.</summary>
    public long FirstByteUs { get; init; }

    public long ResponseBytes { get; init; }

    /// <summary>SHA-256 of the sealed content, in hex: what is proven of the record is proven of its content. Null when none is kept.</summary>
    public string? ContentSha256 { get; init; }

    /// <summary>True where content was to be kept and the store was away, so that its session has no key: a span without capture.</summary>
    public bool? Uncaptured { get; init; }
}

/// <summary>Something that happened outside of an answered request, already in the shape of an activity.</summary>
public sealed record EventRecord
{
    /// <summary>The activity type, for example <c>platform_api_key_created</c>.</summary>
    public required string Type { get; init; }

    public required ActorRecord Actor { get; init; }

    /// <summary>Type-specific fields, served at the top level of the activity.</summary>
    public Dictionary<string, string?> Fields { get; init; } = [];
}

/// <summary>The records' JSON: snake_case, nulls left out. Readers tolerate fields they do not know.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BegunRecord))]
[JsonSerializable(typeof(AttemptRecord))]
[JsonSerializable(typeof(FinishedRecord))]
[JsonSerializable(typeof(EventRecord))]
[JsonSerializable(typeof(Boundaries.BoundaryCheck))]
public sealed partial class RecordJson : JsonSerializerContext;
