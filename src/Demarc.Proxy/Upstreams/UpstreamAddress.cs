using System.Collections.Concurrent;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;

namespace Demarc.Proxy.Upstreams;

/// <summary>Where a deployment is asked. Bases come from administrators only.</summary>
internal sealed class UpstreamAddress
{
    private readonly ConcurrentDictionary<(Uri Endpoint, Operation Operation, bool Beta), Uri> _messages = new();

    /// <summary>The address; null where the platform does not offer the operation for this deployment.</summary>
    public Uri? Of(DeploymentSnapshot deployment, Operation operation, bool stream, string? query) => deployment.Resource.Form switch
    {
        BodyForm.Bedrock => Bedrock(deployment, operation, stream),
        BodyForm.Vertex => Vertex(deployment, operation, stream),
        _ => Messages(deployment.Resource.Endpoint, operation, query),
    };

    private Uri Messages(Uri endpoint, Operation operation, string? query)
    {
        var beta = query == "?beta=true";
        if (!string.IsNullOrEmpty(query) && !beta)
            return Build(endpoint, operation, query);
        return _messages.TryGetValue((endpoint, operation, beta), out var known)
            ? known
            : _messages.GetOrAdd((endpoint, operation, beta), Build(endpoint, operation, query ?? ""));
    }

    private static Uri Build(Uri endpoint, Operation operation, string query) => new(Base(endpoint) + operation.Path() + query);

    private static Uri? Bedrock(DeploymentSnapshot deployment, Operation operation, bool stream)
    {
        var id = operation == Operation.CountTokens ? FoundationModel(deployment.Name) : deployment.Name;
        var verb = operation == Operation.CountTokens ? "count-tokens" : stream ? "invoke-with-response-stream" : "invoke";
        return id is null ? null : new Uri($"{Base(deployment.Resource.Endpoint)}/model/{Uri.EscapeDataString(id)}/{verb}");
    }

    // Tokens are counted by model, not by inference profile (Amazon Bedrock API reference, CountTokens): a geography's
    // prefix goes, and of an ARN only one that still names its model will do.
    private static string? FoundationModel(string name)
    {
        const string profile = ":inference-profile/";
        if (name.StartsWith("arn:", StringComparison.Ordinal))
        {
            if (name.Contains(":foundation-model/", StringComparison.Ordinal))
                return name;
            var at = name.IndexOf(profile, StringComparison.Ordinal);
            if (at < 0)
                return null;
            name = name[(at + profile.Length)..];
        }
        var model = name.IndexOf("anthropic.", StringComparison.Ordinal);
        return model < 0 ? name : name[model..];
    }

    private static Uri Vertex(DeploymentSnapshot deployment, Operation operation, bool stream)
    {
        var resource = deployment.Resource;
        var model = operation == Operation.CountTokens ? "count-tokens" : deployment.Name;
        var verb = stream && operation == Operation.Messages ? "streamRawPredict" : "rawPredict";
        return new Uri($"{Base(resource.Endpoint)}/v1/projects/{resource.Project}/locations/{resource.Region}/publishers/anthropic/models/{model}:{verb}");
    }

    private static string Base(Uri endpoint) => endpoint.AbsoluteUri.TrimEnd('/');
}
