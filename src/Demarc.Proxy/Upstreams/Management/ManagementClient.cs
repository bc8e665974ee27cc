using System.Net;
using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Proxy.Upstreams.Aws;
using Demarc.Proxy.Upstreams.Tokens;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Upstreams.Management;

/// <summary>Reads what platforms say of deployments from their management APIs, with the resources' own credentials and ways out.</summary>
public sealed class ManagementClient(TimeProvider time, ILogger<ManagementClient> log) : IDisposable
{
    private const int MaxAnswer = 4 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly UpstreamHandlers _handlers = new();
    private UpstreamTokens? _tokens;

    private UpstreamTokens Tokens => LazyInitializer.EnsureInitialized(ref _tokens, () => new UpstreamTokens(_handlers, time, log));

    /// <summary>Whether the platform has something to read, and the resource says where that is.</summary>
    public static bool CanCheck(ResourceSnapshot resource) => resource.Platform switch
    {
        Platform.Foundry => resource.Management?.Subscription is not null,
        Platform.Bedrock or Platform.Vertex => true,
        _ => false,
    };

    /// <exception cref="ManagementException">The platform did not answer, or not in a way that can be read.</exception>
    public async Task<BoundaryCheck> CheckAsync(DeploymentSnapshot deployment, Catalog catalog, CancellationToken stop)
    {
        var findings = new Findings(deployment, catalog);
        var resource = deployment.Resource;
        switch (resource.Platform)
        {
            case Platform.Foundry:
                await AzureManagement.CheckAsync(findings, path => GetAsync(resource, AzureManagement.Public, path, stop));
                return Check(AzureManagement.Name);
            case Platform.Bedrock:
                await BedrockManagement.CheckAsync(findings, path => GetAsync(resource, BedrockManagement.Public(resource.Region!), path, stop));
                return Check(BedrockManagement.Name);
            case Platform.Vertex:
                await GoogleManagement.CheckAsync(findings, path => GetAsync(resource, resource.Endpoint, path, stop));
                return Check(GoogleManagement.Name);
            default:
                throw new ManagementException($"The platform {resource.Platform.Wire()} has no management API that tells more than its answers do.");
        }

        BoundaryCheck Check(string source) => new(deployment.FullName, deployment.Declaration, Observed: false, source, time.GetUtcNow(), findings.Facts);
    }

    /// <summary>The JSON at a path of the management API; null when there is nothing.</summary>
    /// <exception cref="ManagementException">Anything else than JSON or a 404 came.</exception>
    internal async Task<JsonElement?> GetAsync(ResourceSnapshot resource, Uri otherwise, string path, CancellationToken stop)
    {
        var root = resource.Management?.Endpoint ?? otherwise;
        var address = new Uri(root.AbsoluteUri.TrimEnd('/') + path);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.TryAddWithoutValidation("accept", "application/json");
            await CredentialAsync(request, resource, root, patience.Token);
            using var response = await _handlers.For(resource, isPrivate: false).SendAsync(request, patience.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return null;
            await response.Content.LoadIntoBufferAsync(MaxAnswer, patience.Token);
            if (!response.IsSuccessStatusCode)
                throw new ManagementException($"{root.Host} answered HTTP {(int)response.StatusCode} to {path.Split('?')[0]}.");
            return JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(patience.Token));
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            throw new ManagementException($"{root.Host} could not be asked for {path.Split('?')[0]}: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        _tokens?.Dispose();
        _handlers.Dispose();
    }

    private async Task CredentialAsync(HttpRequestMessage request, ResourceSnapshot resource, Uri root, CancellationToken stop)
    {
        switch (resource.Platform, resource.Credential)
        {
            case (Platform.Foundry, var own):
                // A resource's key opens nothing in Resource Manager: the installation's own identity does.
                var azure = own as AzureCredential ?? new AzureCredential(null);
                Bearer((await AzureTokens.FetchAsync(azure, resource, $"{(root.IsLoopback ? AzureManagement.Public : root).GetLeftPart(UriPartial.Authority)}/.default", stop)).Token);
                break;
            case (_, AwsCredential):
                SigV4.Sign(request, SigV4.EmptyHash, await Tokens.Keys(resource).GetAsync(stop), resource.Region!, "bedrock", time.GetUtcNow());
                break;
            case (_, BearerCredential bearer):
                Bearer(bearer.Token.Reveal());
                break;
            case (_, KeyCredential key):
                Bearer(key.Key.Reveal());
                break;
            default:
                Bearer(await Tokens.Bearer(resource).GetAsync(stop));
                break;
        }

        void Bearer(string token) => request.Headers.TryAddWithoutValidation("authorization", "Bearer " + token);
    }
}
