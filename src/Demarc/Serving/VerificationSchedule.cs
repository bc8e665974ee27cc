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
internal sealed class VerificationSchedule(Verification verification, Verifier verifier, Snapshots snapshots, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(1);
    private static readonly ActorRecord Actor = new("system", "verification");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // One that could not be asked is due again at once: it waits for its turn like the others.
        var asked = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        using var timer = new PeriodicTimer(Tick, time);
        do
        {
            if (verification.Every is not { } every)
                continue;
            var declared = snapshots.Configured;
            foreach (var deployment in await DueAsync(declared.Resources, every))
            {
                if (asked.TryGetValue(deployment.Declaration, out var last) && time.GetUtcNow() - last < (every < Tick * 15 ? every : Tick * 15))
                    continue;
                asked[deployment.Declaration] = time.GetUtcNow();
                await verifier.VerifyAsync(deployment, declared.Catalog, Actor, stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<Governance.Boundaries.DeploymentSnapshot[]> DueAsync(Governance.Boundaries.ResourceSnapshot[] resources, TimeSpan every)
    {
        try
        {
            return await verifier.DueAsync(resources, every);
        }
        catch (System.Data.Common.DbException)
        {
            // The store is away, which is said elsewhere: a minute later is soon enough.
            return [];
        }
    }
}
