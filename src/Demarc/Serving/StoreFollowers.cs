using Demarc.Control.Resources;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>
/// Runs what follows the store for as long as the process serves: changes of the directory, projections, and what answers
/// say against their deployments' boundaries.
/// </summary>
internal sealed class StoreFollowers(Store store, Snapshots snapshots) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(store.Changes.RunAsync(stoppingToken), store.Projector.RunAsync(stoppingToken), snapshots.RunAsync(stoppingToken));
}
