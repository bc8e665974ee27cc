using Demarc.Control.Exports;

namespace Demarc.Serving;

/// <summary>Exports activities for as long as the gateway serves.</summary>
internal sealed class ExportService(Exporter exporter) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => exporter.RunAsync(stoppingToken);
}
