using Demarc.Control.Identity.SignIn;

namespace Demarc.Serving;

/// <summary>Asks issuers again about sessions that are due while the process serves. A changed interval counts from the next tick.</summary>
internal sealed partial class RecheckSchedule(SignInRecheck recheck, TimeProvider time, ILogger<RecheckSchedule> log) : BackgroundService
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Issuers tell nobody of who leaves: the clock decides when one is asked again.
        using var timer = new PeriodicTimer(Tick(), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            timer.Period = Tick();
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

    private TimeSpan Tick() => recheck.Every is { } every && every / 4 < Longest ? every / 4 : Longest;

    [LoggerMessage(5012, LogLevel.Error, "Sessions could not be checked with their issuers; trying again")]
    private partial void NotChecked(Exception e);
}
