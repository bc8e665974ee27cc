using Demarc.Proxy.Upstreams;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>
/// Lets replicas know of each other's failing and busy deployments through the store, off the request path: what this one finds is
/// written when it changes, what others found is read each second.
/// </summary>
internal sealed partial class BreakerExchange : BackgroundService
{
    private readonly Store _store;
    private readonly string _organizationId;
    private readonly UpstreamHealth _health;
    private readonly ILogger _log;
    private readonly Dictionary<string, StoredBreaker> _followed = [];

    public BreakerExchange(Store store, string organizationId, UpstreamHealth health, ILogger<BreakerExchange> log)
    {
        (_store, _organizationId, _health, _log) = (store, organizationId, health, log);
        store.Changes.SubscribeEach(FollowAsync);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var latest = new Dictionary<string, StoredBreaker>();
        while (await _health.Changes.WaitToReadAsync(stoppingToken))
        {
            // Calls under way fail one after the other: while one write runs, the next gathers what the last of them says.
            while (_health.Changes.TryRead(out var change))
                latest[change.Deployment] = Stored(change);
            try
            {
                await _store.Breakers.KeepAsync(_organizationId, latest.Values);
            }
            catch (Exception e)
            {
                // The others find out for themselves.
                LogNotTold(e);
            }
            latest.Clear();
        }
    }

    private async Task FollowAsync()
    {
        foreach (var breaker in await _store.Breakers.OfOthersAsync(_organizationId))
        {
            if (_followed.GetValueOrDefault(breaker.Deployment) == breaker)
                continue;
            _followed[breaker.Deployment] = breaker;
            _health.Follow(Change(breaker));
        }
    }

    private static StoredBreaker Stored(HealthChange change)
    {
        var until = change.Until.ToUnixTimeMilliseconds();
        return new StoredBreaker
        {
            Deployment = change.Deployment,
            OpenUntil = change.Health == DeploymentHealth.Failing ? until : 0,
            BusyUntil = change.Health == DeploymentHealth.Busy ? until : 0,
        };
    }

    private static HealthChange Change(StoredBreaker stored) => new(
        stored.Deployment,
        stored.OpenUntil > 0 ? DeploymentHealth.Failing : stored.BusyUntil > 0 ? DeploymentHealth.Busy : DeploymentHealth.Serving,
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(stored.OpenUntil, stored.BusyUntil)));

    [LoggerMessage(5003, LogLevel.Warning, "The other replicas could not be told which deployments fail")]
    private partial void LogNotTold(Exception e);
}
