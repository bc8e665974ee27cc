using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Proxy.Upstreams.Management;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>What came of checking one deployment.</summary>
/// <param name="Check">Null when the platform could not be asked: what was known before stays.</param>
/// <param name="Problem">Why it could not be asked.</param>
internal sealed record Verified(DeploymentSnapshot Deployment, BoundaryCheck? Check, string? Problem);

/// <summary>Holds deployments against their platforms' management APIs and keeps what came of it, for every replica to follow.</summary>
internal sealed partial class Verifier(Store store, string organizationId, ManagementClient management, TimeProvider time, ILogger log)
{
    /// <param name="deployment">As the configuration declares it, without what was checked before.</param>
    public async Task<Verified> VerifyAsync(DeploymentSnapshot deployment, Catalog catalog, ActorRecord actor, CancellationToken stop)
    {
        try
        {
            var check = await management.CheckAsync(deployment, catalog, stop);
            await store.Boundaries.KeepAsync(organizationId, check, actor);
            if (!check.Holds)
                LogMismatch(deployment.FullName, check.Mismatch);
            return new Verified(deployment, check, null);
        }
        catch (ManagementException e)
        {
            LogNotVerified(deployment.FullName, e.Message);
            return new Verified(deployment, null, e.Message);
        }
    }

    /// <summary>The deployments that can be checked and were not since <paramref name="every"/> ago, as they are declared now.</summary>
    public async Task<DeploymentSnapshot[]> DueAsync(IEnumerable<ResourceSnapshot> resources, TimeSpan every)
    {
        var checks = await store.Boundaries.ChecksAsync(organizationId);
        var since = time.GetUtcNow() - every;
        return
        [
            .. resources.Where(ManagementClient.CanCheck).SelectMany(r => r.Deployments)
                .Where(d => !checks.TryGetValue(d.FullName, out var last) || last.Declaration != d.Declaration || last.At <= since),
        ];
    }

    [LoggerMessage(5101, LogLevel.Error, "{Deployment} is out of service: {Mismatch}")]
    private partial void LogMismatch(string deployment, string mismatch);

    [LoggerMessage(5102, LogLevel.Warning, "{Deployment} could not be verified: {Problem}")]
    private partial void LogNotVerified(string deployment, string problem);
}
