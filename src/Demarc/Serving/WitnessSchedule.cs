using Demarc.Control.Configuration;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>Gives a checkpoint to the witness whenever one is due and the log has grown, and again what it did not take.</summary>
internal sealed partial class WitnessSchedule(LogConfig config, Store store, Organization organization, LogSigner signer, Witness witness, TimeProvider time, ILogger<WitnessSchedule> log)
    : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(1);

    /// <summary>Makes the checkpoint that is due, and gives away what the witness does not have.</summary>
    public async Task RunOnceAsync(CancellationToken stop)
    {
        if (config.Every is not { } every)
            return;
        var last = await store.Checkpoints.LastAsync(organization.Id);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        // A third of a tick's grace: a tick that comes a moment early must not put it off to the next.
        if (last is null || now - last.MadeAt >= every.TotalMilliseconds - (Tick.TotalMilliseconds / 3))
        {
            var note = await signer.CheckpointAsync(organization.Id);
            var size = Checkpoint.Parse(note.Text)!.Size;
            if (size > (last?.Size ?? 0))
                await store.Checkpoints.KeepAsync(organization.Id, size, note.ToString());
        }
        foreach (var due in await store.Checkpoints.UnwitnessedAsync(organization.Id))
        {
            await witness.GiveAsync(config.Witness, organization.Id, due.Size, due.Note, stop);
            await store.Checkpoints.WitnessedAsync(organization.Id, due.Size);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The clock decides when a checkpoint is due; there is no signal of that.
        using var timer = new PeriodicTimer(Tick, time);
        do
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                NotWitnessed(log, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(5010, LogLevel.Error, "No checkpoint of the log reached its witness; trying again in a minute")]
    private static partial void NotWitnessed(ILogger log, Exception e);
}
