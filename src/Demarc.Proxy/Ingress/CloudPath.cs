using Demarc.Governance.Policy;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>What a path of Amazon Bedrock or Google Cloud asks for: there the model and the stream stand in the address.</summary>
/// <param name="Model">Decoded; null where the body names it.</param>
/// <param name="Stream">Null where the body says.</param>
internal readonly record struct CloudPath(Operation Operation, string? Model, bool? Stream)
{
    /// <summary>
    /// Reads what follows <c>/model/</c>: <c>{id}/invoke</c>, <c>{id}/invoke-with-response-stream</c> or
    /// <c>{id}/count-tokens</c> (Amazon Bedrock Runtime API). Ids may be ARNs, with their slashes encoded or not.
    /// </summary>
    public static CloudPath? Bedrock(string rest)
    {
        var slash = rest.LastIndexOf('/');
        if (slash <= 0)
            return null;
        var model = Slashes(rest[..slash]);
        return rest[(slash + 1)..] switch
        {
            "invoke" => new(Operation.Messages, model, Stream: false),
            "invoke-with-response-stream" => new(Operation.Messages, model, Stream: true),
            "count-tokens" => new(Operation.CountTokens, model, Stream: false),
            _ => null,
        };
    }

    /// <summary>Whether what follows <c>/model/</c> asks for Bedrock's own form of a conversation, over all its models.</summary>
    public static bool IsConverse(string rest) =>
        rest.EndsWith("/converse", StringComparison.Ordinal) || rest.EndsWith("/converse-stream", StringComparison.Ordinal);

    /// <summary>
    /// Reads what follows <c>/models/</c>: <c>{id}:rawPredict</c>, <c>{id}:streamRawPredict</c> or
    /// <c>count-tokens:rawPredict</c>, whose body names the model (page "Claude on Google Cloud").
    /// </summary>
    public static CloudPath? Vertex(string rest)
    {
        rest = Slashes(rest);
        var colon = rest.LastIndexOf(':');
        if (colon <= 0)
            return null;
        return (rest[..colon], rest[(colon + 1)..]) switch
        {
            ("count-tokens", "rawPredict") => new(Operation.CountTokens, Model: null, Stream: null),
            (var model, "rawPredict") => new(Operation.Messages, model, Stream: false),
            (var model, "streamRawPredict") => new(Operation.Messages, model, Stream: true),
            _ => null,
        };
    }

    /// <summary>
    /// The resource that a path names. Base URLs of gateways commonly end in <c>/bedrock</c> or <c>/vertex</c>: that
    /// stands for none, unless a resource is called so.
    /// </summary>
    public static string? Resource(HttpContext http, GatewaySnapshot snapshot, Dialect dialect) =>
        http.Request.RouteValues["resource"] is string name && (name != dialect.Wire() || snapshot.Names.HasResource(name)) ? name : null;

    // The one escape that the server leaves in a path.
    private static string Slashes(string text) => text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
