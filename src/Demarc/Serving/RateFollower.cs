using Demarc.Proxy.Limits;

namespace Demarc.Serving;

/// <summary>Gives back what this replica does not use of rates for as long as it serves.</summary>
internal sealed partial class RateFollower(RateSharing sharing, ILogger<RateFollower> log) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => sharing.RunAsync(LogNotShared, stoppingToken);

    [LoggerMessage(5013, LogLevel.Error, "The store could not be told what this replica does not use of rates; trying again")]
    private partial void LogNotShared(Exception e);
}
