using Demarc.Control.Resources;
using Demarc.Governance.Evidence;

namespace Demarc.Serving;

/// <summary>How often deployments are verified; follows the configuration.</summary>
internal sealed class Verification(TimeSpan? every)
{
    private long _ticks = every?.Ticks ?? 0;

    /// <summary>Null for not by itself.</summary>
    public TimeSpan? Every
    {
        get => Volatile.Read(ref _ticks) is > 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;
        set => Volatile.Write(ref _ticks, value?.Ticks ?? 0);
    }
}

/// <summary>Verifies what is due while the process serves; a deployment that is new or declared anew, within a minute.</summary>
internal sealed partial class VerificationSchedule(Verification verification, Verifier verifier, Snapshots snapshots, TimeProvider time, ILogger<VerificationSchedule> log) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(1);
    private static readonly ActorRecord Actor = new("system", "verification");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // One that could not be asked is due again at once: it waits for its turn like the others.
        var asked = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        // The clock decides when one is due; there is no signal of that.
        using var timer = new PeriodicTimer(Tick, time);
        do
        {
            try
            {
                if (verification.Every is { } every)
                    await VerifyDueAsync(asked, every, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogInterrupted(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task VerifyDueAsync(Dictionary<string, DateTimeOffset> asked, TimeSpan every, CancellationToken stop)
    {
        var declared = snapshots.Configured;
        foreach (var deployment in await verifier.DueAsync(declared.Resources, every))
        {
            if (asked.TryGetValue(deployment.Declaration, out var last) && time.GetUtcNow() - last < (every < Tick * 15 ? every : Tick * 15))
                continue;
            asked[deployment.Declaration] = time.GetUtcNow();
            await verifier.VerifyAsync(deployment, declared.Catalog, Actor, stop);
        }
    }

    [LoggerMessage(5103, LogLevel.Error, "Deployments could not be verified; trying again in a minute")]
    private partial void LogInterrupted(Exception e);
}
