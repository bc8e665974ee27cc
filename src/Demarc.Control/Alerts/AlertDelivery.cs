using Demarc.Storage;
using Demarc.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Alerts;

/// <summary>
/// Makes alerts of activities and delivers them: each once, tried again after longer and longer times, for more than a day.
/// Any number of replicas may run it.
/// </summary>
public sealed partial class AlertDelivery(Store store, string organizationId, ILogger<AlertDelivery> log) : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    // As Standard Webhooks advises.
    private static readonly TimeSpan[] Waits =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(14),
    ];

    private readonly AlertSender _sender = new(store.Time);
    private AlertDestinations _destinations = AlertDestinations.None;

    /// <summary>Whom alerts are for from now on; those that wait for others are given up.</summary>
    public void Use(AlertDestinations destinations) => Volatile.Write(ref _destinations, destinations);

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var destinations = Volatile.Read(ref _destinations);
                if (destinations.Names is { Length: > 0 } names)
                    await DeliverAsync(destinations, names, stop);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotDelivered(e);
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                // Whatever broke, it is the stopping that broke it.
                return;
            }
            // Activities are written by whichever replica leads: nothing tells this one. Stopping ends the wait and is no failure.
            await Task.Delay(Every, store.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _sender.Dispose();

    private async Task DeliverAsync(AlertDestinations destinations, string[] names, CancellationToken stop)
    {
        while (await store.SpendAlerts.CollectAsync(organizationId, names) > 0)
            stop.ThrowIfCancellationRequested();
        foreach (var due in await store.SpendAlerts.DueAsync(organizationId))
        {
            if (await store.SpendAlerts.ClaimAsync(due) is { } alert)
                await SendAsync(alert, destinations, stop);
        }
    }

    private async Task SendAsync(SpendAlert alert, AlertDestinations destinations, CancellationToken stop)
    {
        var problem = await _sender.SendAsync(alert, destinations, stop);
        if (problem is null || alert.Tries > Waits.Length)
        {
            await store.SpendAlerts.EndAsync(alert, problem is null, problem);
            return;
        }
        LogTriedAgain(alert.Id, alert.Destination, problem);
        await store.SpendAlerts.PutOffAsync(alert, (store.Time.GetUtcNow() + Waits[alert.Tries - 1]).ToUnixTimeMilliseconds());
    }

    [LoggerMessage(2301, LogLevel.Error, "Alerts could not be looked for; trying again")]
    private partial void LogNotDelivered(Exception e);

    [LoggerMessage(2302, LogLevel.Warning, "{Alert} could not be delivered to {Destination} ({Problem}); it is tried again")]
    private partial void LogTriedAgain(string alert, string destination, string problem);
}
