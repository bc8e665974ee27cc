using Demarc.Control.Alerts;

namespace Demarc.Serving;

/// <summary>Delivers alerts for as long as the gateway serves.</summary>
internal sealed class AlertService(AlertDelivery delivery) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => delivery.RunAsync(stoppingToken);
}
