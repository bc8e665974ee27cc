using System.Collections.Concurrent;
using Demarc.Governance.Boundaries;
using Demarc.Proxy.Upstreams.Aws;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Upstreams.Tokens;

/// <summary>The tokens of all resources. Resources with equal credentials on the same way out share one.</summary>
internal sealed class UpstreamTokens(UpstreamHandlers handlers, TimeProvider time, ILogger log) : IDisposable
{
    private readonly ConcurrentDictionary<(UpstreamCredential, string? Region, Uri? Proxy, string? Authorities), CachedToken<string>> _bearers = new();
    private readonly ConcurrentDictionary<(UpstreamCredential, string? Region, Uri? Proxy, string? Authorities), CachedToken<AwsKeys>> _keys = new();
    private readonly CancellationTokenSource _stop = new();

    /// <summary>The bearer of a resource with Azure or Google credentials.</summary>
    public CachedToken<string> Bearer(ResourceSnapshot resource) => _bearers.GetOrAdd(Key(resource), (_, r) => new CachedToken<string>(
        r.Name,
        stop => r.Credential switch
        {
            AzureCredential azure => AzureTokens.FetchAsync(azure, r, stop),
            GoogleCredential google => GoogleTokens.FetchAsync(google, r, time, stop),
            _ => throw new InvalidOperationException($"{r.Credential.GetType().Name} has no token; give its value itself."),
        },
        time, log, _stop.Token), resource);

    /// <summary>The keys of a resource with AWS credentials.</summary>
    public CachedToken<AwsKeys> Keys(ResourceSnapshot resource) => _keys.GetOrAdd(Key(resource), (_, r) => new CachedToken<AwsKeys>(
        r.Name,
        stop => AwsTokens.FetchAsync((AwsCredential)r.Credential, r.Region!, handlers.ForTokens(r), time, stop),
        time, log, _stop.Token), resource);

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private static (UpstreamCredential, string?, Uri?, string?) Key(ResourceSnapshot resource) =>
        (resource.Credential, resource.Region, resource.Proxy, resource.CertificateAuthorities);
}
