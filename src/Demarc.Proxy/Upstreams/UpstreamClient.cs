using System.Collections.Concurrent;
using System.Net;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Upstreams;

/// <summary>Sends requests to Foundry and Anthropic with the resource's key. Addresses come from administrators only.</summary>
public sealed class UpstreamClient : IDisposable
{
    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler
    {
        // A provider's answer is relayed as it is: nothing is followed, unpacked, remembered or looked up on the way.
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        // Names of cloud endpoints move; a pooled connection follows within this time.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        ResponseDrainTimeout = TimeSpan.FromSeconds(2),
    });

    private readonly ConcurrentDictionary<(Uri Endpoint, Operation Operation, bool Beta), Uri> _addresses = new();

    internal Task<HttpResponseMessage> SendAsync(HttpRequest client, Operation operation, DeploymentSnapshot deployment, SplicedContent content, string[] betas, CancellationToken stop)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Address(deployment.Resource.Endpoint, operation, client.QueryString))
        {
            Content = content,
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        ForwardedHeaders.ToUpstream(client.Headers, request);
        if (betas.Length > 0)
        {
            var all = client.Headers["anthropic-beta"].SelectMany(b => b?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? []).Concat(betas).Distinct();
            request.Headers.Remove("anthropic-beta");
            request.Headers.TryAddWithoutValidation("anthropic-beta", string.Join(',', all));
        }
        if (!client.Headers.ContainsKey("anthropic-version"))
            request.Headers.TryAddWithoutValidation("anthropic-version", "2023-06-01");
        request.Headers.TryAddWithoutValidation("x-api-key", deployment.Resource.ApiKey.Reveal());
        return _invoker.SendAsync(request, stop);
    }

    public void Dispose() => _invoker.Dispose();

    private Uri Address(Uri endpoint, Operation operation, QueryString query)
    {
        var beta = query.Value == "?beta=true";
        if (query.HasValue && !beta)
            return Build(endpoint, operation, query.Value!);
        return _addresses.TryGetValue((endpoint, operation, beta), out var known)
            ? known
            : _addresses.GetOrAdd((endpoint, operation, beta), Build(endpoint, operation, query.Value ?? ""));
    }

    private static Uri Build(Uri endpoint, Operation operation, string query) =>
        new(endpoint.AbsoluteUri.TrimEnd('/') + operation.Path() + query);
}
