using Demarc.Control.Identity.SignIn;

namespace Demarc.Serving;

/// <summary>Asks issuers again about sessions that are due while the process serves.</summary>
internal sealed partial class RecheckSchedule(SignInRecheck recheck, TimeProvider time, ILogger<RecheckSchedule> log) : BackgroundService
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (recheck.Every is not { } every)
            return;
        // Issuers tell nobody of who leaves: the clock decides when one is asked again.
        using var timer = new PeriodicTimer(every / 4 < Longest ? every / 4 : Longest, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await recheck.RunOnceAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                NotChecked(e);
            }
        }
    }

    [LoggerMessage(5012, LogLevel.Error, "Sessions could not be checked with their issuers; trying again")]
    private partial void NotChecked(Exception e);
}
