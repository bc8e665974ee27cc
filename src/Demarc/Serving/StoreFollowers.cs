using Demarc.Control.Resources;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>
/// Runs what follows the store for as long as the process serves: changes of the directory, projections, records that come late, and
/// what answers say against their deployments' boundaries.
/// </summary>
internal sealed class StoreFollowers(Store store, Snapshots snapshots) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await store.Projector.ClaimAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Task[] followers =
        [
            store.Changes.RunAsync(stoppingToken), store.Projector.RunAsync(stoppingToken), store.LateRecords.RunAsync(stoppingToken), snapshots.RunAsync(stoppingToken),
        ];
        // One that fails ends the process: it must not go on serving from what nobody follows.
        await await Task.WhenAny(followers);
        await Task.WhenAll(followers);
    }
}
