using Demarc.Control.Configuration;

namespace Demarc.Serving;

/// <summary>
/// Between being asked to end and ending: <c>/readyz</c> says so, and for a while everything is served as before, so that load balancers
/// send nothing more before the listeners close.
/// </summary>
internal sealed class Drain(ShutdownConfig shutdown, TimeProvider time) : IHostedLifecycleService
{
    private volatile bool _isEnding;

    public bool IsEnding => _isEnding;

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isEnding = true;
        // Load balancers ask now and then, and tell nobody that they did.
        return Task.Delay(shutdown.Notice, time, cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
