using Demarc.Control;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Puts on record when this gateway starts and stops, with which version and which configuration, and what became of a changed one.</summary>
internal sealed partial class LifeRecord(Store store, string organizationId, ISnapshotSource snapshots, ILogger<LifeRecord> log) : IHostedService
{
    // What is wrong may be said at length; the log of the process has it whole.
    private const int MostProblem = 1000;

    private readonly ActorRecord _actor = new("system", store.Replica);
    private int _stopped;

    public Task StartAsync(CancellationToken cancellationToken) => RecordAsync("demarc_gateway_started");

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // A host that a signal has stopped is stopped again when it is disposed.
        if (Interlocked.Exchange(ref _stopped, 1) > 0)
            return;
        try
        {
            await RecordAsync("demarc_gateway_stopped");
        }
        catch (Exception e)
        {
            // A store that is away keeps nobody from stopping.
            NotRecorded(log, e);
        }
    }

    /// <summary>A changed configuration cannot be used: the one before stays.</summary>
    /// <param name="problem">Holds no secret.</param>
    public Task ConfigurationRefusedAsync(string hash, string problem) => store.RecordAsync(organizationId, _actor, "demarc_configuration_refused", new()
    {
        ["configuration"] = hash,
        ["configuration_in_force"] = snapshots.Current.ConfigurationHash,
        ["problem"] = problem.Length <= MostProblem ? problem : problem[..MostProblem] + "…",
    });

    private Task RecordAsync(string type) => store.RecordAsync(organizationId, _actor, type, new()
    {
        ["version"] = Product.Version,
        ["configuration"] = snapshots.Current.ConfigurationHash,
        ["policy"] = snapshots.Current.PolicyHash,
        ["catalog"] = snapshots.Current.Catalog.Hash,
        // A waiver: who leaves meanwhile is still let in.
        ["outage"] = snapshots.Current.ServesInOutage ? "serve" : null,
    });

    [LoggerMessage(5020, LogLevel.Warning, "That this gateway stopped could not be put on record")]
    private static partial void NotRecorded(ILogger log, Exception e);
}
