namespace Demarc.Bench.Servers;

/// <summary>A loop of the idle class (<c>SCHED_IDLE</c>) for each processor: none of them sleeps, and none of them is taken from others.</summary>
internal sealed class Awake : IAsyncDisposable
{
    private readonly ServerProcess[] _loops =
        [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => ServerProcess.Start("awake", "nice", ["-n", "19", "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"]))];

    public async ValueTask DisposeAsync()
    {
        foreach (var loop in _loops)
            await loop.DisposeAsync();
    }
}
