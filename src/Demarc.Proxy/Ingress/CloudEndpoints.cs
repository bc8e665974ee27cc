using Demarc.Governance;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>The inference routes of Amazon Bedrock and Google Cloud, alone, behind a resource's name or behind their platform's.</summary>
public sealed class CloudEndpoints(MessagesPipeline messages, ISnapshotSource snapshots)
{
    private const string NoConverse =
        "Converse and ConverseStream are not served here. Ask with InvokeModel or InvokeModelWithResponseStream (/model/ID/invoke, /model/ID/invoke-with-response-stream), as Claude Code and Anthropic's SDKs do.";

    /// <summary><c>POST …/model/{**rest}</c>.</summary>
    public Task BedrockAsync(HttpContext http)
    {
        var rest = Value(http, "rest") ?? "";
        return CloudPath.IsConverse(rest)
            ? ErrorEnvelope.WriteAsync(http, Refused.Capability.Status, Refused.Capability.Type, NoConverse, dialect: Dialect.Bedrock)
            : HandleAsync(http, Dialect.Bedrock, CloudPath.Bedrock(rest));
    }

    /// <summary><c>POST …/projects/{project}/locations/{location}/publishers/anthropic/models/{**rest}</c>; project and location choose nothing.</summary>
    public Task VertexAsync(HttpContext http) => HandleAsync(http, Dialect.Vertex, CloudPath.Vertex(Value(http, "rest") ?? ""));

    private Task HandleAsync(HttpContext http, Dialect dialect, CloudPath? path) =>
        path is { } asked
            ? messages.HandleAsync(http, dialect, asked.Operation, CloudPath.Resource(http, snapshots.Current, dialect), asked.Model, asked.Stream)
            : ErrorEnvelope.WriteAsync(
                http, Refused.UnknownRoute.Status, Refused.UnknownRoute.Type,
                dialect == Dialect.Bedrock
                    ? "There is no such operation here. Bedrock clients ask /model/ID/invoke, /model/ID/invoke-with-response-stream or /model/ID/count-tokens."
                    : "There is no such operation here. Google Cloud clients ask …/models/ID:rawPredict, …/models/ID:streamRawPredict or …/models/count-tokens:rawPredict.",
                dialect: dialect);

    private static string? Value(HttpContext http, string name) => (string?)http.Request.RouteValues[name];
}
