using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>Lets replicas know of each other's counts of strangers' tries through the store, a second late at most.</summary>
internal sealed partial class GuessExchange(Store store, Guesses guesses, string organizationId, ILogger<GuessExchange> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Who tries reaches this process alone, and the store tells nobody of another's count: the clock decides.
        using var timer = new PeriodicTimer(Interval, store.Time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await guesses.ExchangeAsync(organizationId, store.Abuse);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Each replica goes on by its own count.
                LogNotExchanged(e);
            }
        }
    }

    [LoggerMessage(5014, LogLevel.Warning, "What the other replicas count of strangers' tries could not be read; each counts by itself")]
    private partial void LogNotExchanged(Exception e);
}
