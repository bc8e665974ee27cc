namespace Demarc.Simulator.Platforms;

internal enum Platform
{
    Anthropic,
    Foundry,
    Bedrock,
    Vertex,
}

internal enum Operation
{
    Unknown,
    Messages,
    CountTokens,
    Models,
    InferenceProfiles,
    Probe,
}

/// <summary>Which platform's API a request speaks, and what it asks of it.</summary>
/// <param name="Place">What stands before the API's own path: the resource, on Foundry.</param>
/// <param name="Id">The model or profile that the path names, decoded; null when it names none.</param>
/// <param name="Stream">True where the path itself asks for a stream (Bedrock, Vertex AI).</param>
internal readonly record struct ApiRoute(Platform Platform, Operation Operation, string Place = "", string? Id = null, bool Stream = false)
{
    private const string Publisher = "/publishers/anthropic/models/";

    /// <summary>Reads the path as received, still encoded and without its query.</summary>
    public static ApiRoute Parse(string method, string path)
    {
        if (method == "HEAD")
            return new(Platform.Anthropic, path is "/" or "/api/hello" ? Operation.Probe : Operation.Unknown);
        if (path.StartsWith("/model/", StringComparison.Ordinal))
            return Bedrock(method, path["/model/".Length..]);
        if (path.StartsWith("/inference-profiles", StringComparison.Ordinal))
            return Profiles(method, path["/inference-profiles".Length..]);
        var model = path.IndexOf(Publisher, StringComparison.Ordinal);
        if (model > 0 && (path.StartsWith("/projects/", StringComparison.Ordinal) || path.StartsWith("/v1/projects/", StringComparison.Ordinal)))
            return Vertex(method, path[..model], path[(model + Publisher.Length)..]);

        var api = path.LastIndexOf("/v1/", StringComparison.Ordinal);
        if (api < 0)
            return new(path.Contains("/anthropic", StringComparison.Ordinal) ? Platform.Foundry : Platform.Anthropic, Operation.Unknown);
        var place = path[..api];
        var platform = place.EndsWith("/anthropic", StringComparison.Ordinal) ? Platform.Foundry : Platform.Anthropic;
        return Messages(method, platform, place, path[(api + "/v1/".Length)..]);
    }

    private static ApiRoute Messages(string method, Platform platform, string place, string rest)
    {
        if (method == "POST")
        {
            return rest switch
            {
                "messages" => new(platform, Operation.Messages, place),
                "messages/count_tokens" => new(platform, Operation.CountTokens, place),
                _ => new(platform, Operation.Unknown, place),
            };
        }

        // Foundry has no Models API.
        if (method == "GET" && platform == Platform.Anthropic)
        {
            if (rest == "models")
                return new(platform, Operation.Models, place);
            if (rest.StartsWith("models/", StringComparison.Ordinal))
                return new(platform, Operation.Models, place, Uri.UnescapeDataString(rest["models/".Length..]));
        }

        return new(platform, Operation.Unknown, place);
    }

    private static ApiRoute Bedrock(string method, string rest)
    {
        var slash = rest.LastIndexOf('/');
        if (method != "POST" || slash <= 0)
            return new(Platform.Bedrock, Operation.Unknown);
        var id = Uri.UnescapeDataString(rest[..slash]);
        return rest[slash..] switch
        {
            "/invoke" => new(Platform.Bedrock, Operation.Messages, Id: id),
            "/invoke-with-response-stream" => new(Platform.Bedrock, Operation.Messages, Id: id, Stream: true),
            "/count-tokens" => new(Platform.Bedrock, Operation.CountTokens, Id: id),
            _ => new(Platform.Bedrock, Operation.Unknown),
        };
    }

    private static ApiRoute Profiles(string method, string rest) => rest switch
    {
        "" when method == "GET" => new(Platform.Bedrock, Operation.InferenceProfiles),
        ['/', .. var id] when method == "GET" => new(Platform.Bedrock, Operation.InferenceProfiles, Id: Uri.UnescapeDataString(id)),
        _ => new(Platform.Bedrock, Operation.Unknown),
    };

    private static ApiRoute Vertex(string method, string place, string rest)
    {
        // Clients differ in whether they encode the '@' and ':' of "model@date:verb".
        rest = Uri.UnescapeDataString(rest);
        var colon = rest.LastIndexOf(':');
        if (method != "POST" || colon <= 0)
            return new(Platform.Vertex, Operation.Unknown);
        return (rest[..colon], rest[(colon + 1)..]) switch
        {
            ("count-tokens", "rawPredict") => new(Platform.Vertex, Operation.CountTokens, place),
            (var id, "rawPredict") => new(Platform.Vertex, Operation.Messages, place, id),
            (var id, "streamRawPredict") => new(Platform.Vertex, Operation.Messages, place, id, Stream: true),
            _ => new(Platform.Vertex, Operation.Unknown),
        };
    }
}
