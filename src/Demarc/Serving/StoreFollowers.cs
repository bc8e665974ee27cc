using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Runs what follows the store for as long as the process serves: changes of the directory, and projections.</summary>
internal sealed class StoreFollowers(Store store) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(store.Changes.RunAsync(stoppingToken), store.Projector.RunAsync(stoppingToken));
}
