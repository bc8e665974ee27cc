using Demarc.Control.Compliance;
using Demarc.Storage;
using Demarc.Storage.Projections;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Exports;

/// <summary>Sends activities to the destinations of the configuration; of several replicas one does.</summary>
public sealed partial class Exporter(Store store, string organizationId, ExportWays ways, DataPaths paths, ILogger<Exporter> log) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private ExportDestination[] _destinations = [];
    private CancellationTokenSource _changed = new();

    /// <summary>Where activities go from now on.</summary>
    public void Use(ExportDestination[] destinations)
    {
        CancellationTokenSource before;
        lock (_gate)
        {
            if (_destinations.Length == 0 && destinations.Length == 0)
                return;
            before = _changed;
            (_destinations, _changed) = (destinations, new CancellationTokenSource());
        }
        // Disposed by whoever waits for it.
        before.Cancel();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            ExportDestination[] destinations;
            CancellationTokenSource changed;
            lock (_gate)
                (destinations, changed) = (_destinations, _changed);
            using var round = CancellationTokenSource.CreateLinkedTokenSource(stop, changed.Token);
            try
            {
                if (destinations.Length == 0)
                    // Nothing to do until the configuration changes, which ends this.
                    await Task.Delay(Timeout.InfiniteTimeSpan, store.Time, round.Token);
                else
                    await LeadAsync(destinations, round);
            }
            catch (OperationCanceledException) when (round.IsCancellationRequested)
            {
                if (changed.IsCancellationRequested)
                    changed.Dispose();
            }
            catch (Exception e)
            {
                LogNotExported(e);
                // The store, or another process that exports from it: asked at once it would say the same. Stopping ends the wait and is
                // no failure.
                await Task.Delay(Pause, store.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public void Dispose() => _changed.Dispose();

    private async Task LeadAsync(ExportDestination[] destinations, CancellationTokenSource round)
    {
        var lead = await store.Exports.LeadAsync(round.Token);
        await using (lead)
        {
            var pipes = Array.ConvertAll(destinations, destination => PipeAsync(destination, round.Token));
            try
            {
                await HoldAsync(lead, round.Token);
            }
            finally
            {
                await round.CancelAsync();
                await Task.WhenAll(pipes);
            }
        }
    }

    private async Task PipeAsync(ExportDestination destination, CancellationToken stop)
    {
        await using var sender = ExportSender.For(destination, ways, store.Time);
        await new ExportPipe(store, organizationId, destination, sender, paths, log).RunAsync(stop);
    }

    // Ends when the lead is lost, by an exception or by false.
    private async Task HoldAsync(Lead lead, CancellationToken stop)
    {
        while (await lead.HoldsAsync())
            // A lost lock tells nobody; cursors are fenced whatever is found here.
            await Task.Delay(Pause, store.Time, stop);
    }

    [LoggerMessage(2503, LogLevel.Error, "Exports are interrupted; trying again")]
    private partial void LogNotExported(Exception e);
}
