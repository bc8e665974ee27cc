using Demarc.Governance.Wire;

namespace Demarc.Proxy.Ingress;

/// <summary>The dialect a client speaks, by the route it came in on.</summary>
public enum Dialect
{
    /// <summary><c>/v1/…</c>.</summary>
    Anthropic,

    /// <summary><c>/anthropic/v1/…</c> and <c>/{resource}/anthropic/v1/…</c>.</summary>
    Foundry,

    /// <summary><c>/model/{id}/…</c>: Amazon Bedrock's InvokeModel, its streams as AWS event streams.</summary>
    Bedrock,

    /// <summary><c>/projects/…/publishers/anthropic/models/{id}:…</c>: Google Cloud's rawPredict.</summary>
    Vertex,
}

/// <summary>What is asked of a model.</summary>
public enum Operation
{
    /// <summary><c>POST …/v1/messages</c>.</summary>
    Messages,

    /// <summary><c>POST …/v1/messages/count_tokens</c>: free, never limited.</summary>
    CountTokens,
}

/// <summary>Names in records and upstream paths.</summary>
internal static class RouteNames
{
    public static string Wire(this Dialect dialect) => dialect switch
    {
        Dialect.Foundry => "foundry",
        Dialect.Bedrock => "bedrock",
        Dialect.Vertex => "vertex",
        _ => "anthropic",
    };

    public static BodyForm Form(this Dialect dialect) => dialect switch
    {
        Dialect.Bedrock => BodyForm.Bedrock,
        Dialect.Vertex => BodyForm.Vertex,
        _ => BodyForm.Anthropic,
    };

    public static string Wire(this Operation operation) => operation == Operation.CountTokens ? "count_tokens" : "messages";

    public static string Path(this Operation operation) => operation == Operation.CountTokens ? "/v1/messages/count_tokens" : "/v1/messages";
}
