namespace Demarc.Governance.Wire;

/// <summary>A run of bytes within a body.</summary>
public readonly record struct Slice(int Start, int Length)
{
    public int End => Start + Length;

    public bool IsEmpty => Length == 0;

    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> body) => body.Slice(Start, Length);
}

/// <summary>Fields of a request that move data or name further models: facts of the decision (law 1).</summary>
[Flags]
public enum BoundaryFields
{
    None = 0,
    Fallbacks = 1,
    McpServers = 2,
    InferenceGeo = 4,
    Container = 8,
    WebSearch = 16,
    WebFetch = 32,
    CodeExecution = 64,

    /// <summary>Web search or web fetch whose results code may filter, in a container of the provider.</summary>
    DynamicFiltering = 128,

    /// <summary>A tool that asks another model.</summary>
    Advisor = 256,

    /// <summary>Content by <c>file_id</c>, from the provider's file store.</summary>
    Files = 512,

    /// <summary>Content by URL, which the provider fetches.</summary>
    UrlSources = 1024,

    Skills = 2048,

    /// <summary>A tool of a type that Demarc does not know: it may run at the provider.</summary>
    UnknownTool = 4096,
}

/// <summary>
/// What the decision and the record need to know of a Messages request, read in one pass.
/// Slices point into the body they were scanned from.
/// </summary>
public sealed class RequestFacts
{
    /// <summary>The form that the route says the body has.</summary>
    public BodyForm Form { get; internal set; }

    /// <summary>The model asked for, unescaped, in the body or the path.</summary>
    public string Model { get; internal set; } = "";

    /// <summary>Where the model stands, quotes included; empty when the path alone names it.</summary>
    public Slice ModelToken => ModelMember.Value;

    /// <summary>Whether a stream is asked for, in the body or by the path.</summary>
    public bool Stream { get; internal set; }

    /// <summary>The members that platforms' forms differ in; each empty when absent.</summary>
    public Member ModelMember { get; internal set; }

    public Member StreamMember { get; internal set; }

    /// <summary><c>anthropic_version</c>.</summary>
    public Member VersionMember { get; internal set; }

    /// <summary><c>anthropic_beta</c>.</summary>
    public Member BetasMember { get; internal set; }

    /// <summary>The betas that a Bedrock or Vertex body carries itself.</summary>
    public string[] Betas { get; internal set; } = [];

    /// <summary>The members of the body's object, those unknown here included.</summary>
    public int MemberCount { get; internal set; }

    /// <summary>Where the body's object opens.</summary>
    public int ObjectStart { get; internal set; }

    /// <summary>Null when absent or not a whole number: the provider says so then.</summary>
    public long? MaxTokens { get; internal set; }

    /// <summary>Where the value of <c>max_tokens</c> stands; empty when it is absent or no whole number.</summary>
    public Slice MaxTokensToken { get; internal set; }

    /// <summary>The value of <c>system</c>; empty when absent.</summary>
    public Slice System { get; internal set; }

    /// <summary>The elements of <c>messages</c>, in order.</summary>
    public List<Slice> Messages { get; } = [];

    /// <summary><c>metadata.user_id</c>, unescaped: Claude Code puts JSON with its session id there.</summary>
    public string? MetadataUserId { get; internal set; }

    public BoundaryFields BoundaryFields { get; internal set; }

    /// <summary>The value of <c>inference_geo</c>; null when absent or null.</summary>
    public string? InferenceGeo { get; internal set; }

    /// <summary>Where <c>inference_geo</c> stands, also when it is null.</summary>
    public Member InferenceGeoMember { get; internal set; }

    /// <summary>Whether the request asks for <c>speed: "fast"</c>.</summary>
    public bool AsksFast { get; internal set; }

    /// <summary>Whether it has web search or web fetch of a version with which code execution is free (source: Pricing, "Code execution tool").</summary>
    public bool HasFreeCodeExecution { get; internal set; }

    /// <summary>Models named beside <see cref="Model"/>, by <c>fallbacks</c> and inside tools; <c>default</c> where the provider chooses.</summary>
    public List<string> OtherModels { get; } = [];

    /// <summary>The type of the first tool of an unknown type; null when there is none.</summary>
    public string? UnknownToolType { get; internal set; }
}
