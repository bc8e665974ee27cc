using Demarc.Control.Configuration;
using Demarc.Control.Retention;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>Sweeps whenever it is due, on the replica that leads the projections.</summary>
internal sealed partial class RetentionSchedule(RetentionConfig config, Store store, Organization organization, RetentionSweep sweep, ISnapshotSource snapshots, ILogger<RetentionSchedule> log)
    : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (config.Every is not { } every)
            return;
        var swept = (DateTimeOffset?)null;
        // The clock decides when something is due; there is no signal of that.
        using var timer = new PeriodicTimer(Tick, store.Time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!store.Projector.Leads || store.Time.GetUtcNow() - swept < every)
                continue;
            try
            {
                await sweep.RunAsync(organization.Id, snapshots.Current, new ActorRecord("system", store.Replica), dryRun: false, store.Projector.ConfirmLeadAsync, stoppingToken);
                swept = store.Time.GetUtcNow();
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                NotSwept(log, e);
            }
        }
    }

    [LoggerMessage(5030, LogLevel.Error, "What is past its retention could not be destroyed; trying again in a minute")]
    private static partial void NotSwept(ILogger log, Exception e);
}
