using Demarc.Governance.Spend;

namespace Demarc.Serving;

/// <summary>Keeps this replica's leases in step with the store for as long as it serves.</summary>
internal sealed partial class EscrowFollower(LeaseFollower leases, ILogger<EscrowFollower> log) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => leases.RunAsync(LogNotFollowed, stoppingToken);

    [LoggerMessage(5011, LogLevel.Error, "The store could not be asked for this replica's leases of budgets; trying again")]
    private partial void LogNotFollowed(Exception e);
}
