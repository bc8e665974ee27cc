using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Policy;

/// <summary>What a boundary-bearing field of a request uses.</summary>
/// <param name="Feature">The catalog's id of the feature.</param>
/// <param name="Field">The field of the request, as a refusal names it.</param>
/// <param name="Sends">It sends content, or an address, on to others than the provider.</param>
/// <param name="NeedsPlatform">The platform must have the feature.</param>
internal sealed record RequestFeature(BoundaryFields Flag, string Feature, string Field, bool Sends = false, bool NeedsPlatform = true)
{
    public static readonly RequestFeature[] All =
    [
        new(BoundaryFields.Fallbacks, "server-fallback", "fallbacks"),
        new(BoundaryFields.McpServers, "mcp-connector", "mcp_servers", Sends: true),
        new(BoundaryFields.InferenceGeo, "inference-geo", "inference_geo"),
        new(BoundaryFields.Container, "code-execution", "container"),
        new(BoundaryFields.WebSearch, "web-search", "tools (web_search)", Sends: true),
        new(BoundaryFields.WebFetch, "web-fetch", "tools (web_fetch)", Sends: true),
        new(BoundaryFields.CodeExecution, "code-execution", "tools (code_execution)"),
        // The provider decides whether it filters: the tool itself is there without it.
        new(BoundaryFields.DynamicFiltering, "code-execution", "tools (dynamic filtering; set allowed_callers to [\"direct\"])", NeedsPlatform: false),
        new(BoundaryFields.Advisor, "advisor", "tools (advisor)"),
        new(BoundaryFields.Files, "files", "file_id"),
        new(BoundaryFields.UrlSources, "url-sources", "source.url", Sends: true),
        new(BoundaryFields.Skills, "skills", "container.skills"),
        new(BoundaryFields.UnknownTool, "", "tools (a type that Demarc does not know)", Sends: true, NeedsPlatform: false),
    ];
}

/// <summary>What of a request decides which deployments may take it: requests of the same shape share a plan.</summary>
internal readonly record struct RequestShape(BoundaryFields Fields, string? InferenceGeo)
{
    /// <summary>A geography that the catalog does not know: all of them are within the same places, which is none.</summary>
    private const string Unknown = "unknown";

    // Geographies are the client's own words: only those of a closed set may make plans of their own.
    public static RequestShape Of(RequestFacts? facts, Catalog catalog) =>
        facts is null ? default
        : new(facts.BoundaryFields, facts.InferenceGeo is { } geo && Array.IndexOf(catalog.Places, geo) < 0 ? Unknown : facts.InferenceGeo);
}
