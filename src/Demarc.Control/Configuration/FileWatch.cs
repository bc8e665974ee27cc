using System.Threading.Channels;

namespace Demarc.Control.Configuration;

/// <summary>
/// Tells when files have changed. It looks each second, as watchers of directories miss renames and swapped
/// links, and waits until two looks agree: a half-written file can be valid, and lack its last policies.
/// </summary>
internal sealed class FileWatch(FileHashes known, Func<string, byte[]> readFile, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Channel<bool> _looks = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private FileHashes _known = known;
    private FileHashes _last = known;
    private int _nudged;

    /// <summary>Takes the files as changed and settled, now.</summary>
    public void Nudge()
    {
        Interlocked.Exchange(ref _nudged, 1);
        _looks.Writer.TryWrite(true);
    }

    /// <summary>Calls for each settled change, one at a time, until it is stopped.</summary>
    /// <param name="changed">Reads the files again and gives what it read.</param>
    public async Task RunAsync(Func<Task<FileHashes>> changed, CancellationToken stopping)
    {
        await using var timer = time.CreateTimer(_ => _looks.Writer.TryWrite(true), null, Interval, Interval);
        try
        {
            await foreach (var _ in _looks.Reader.ReadAllAsync(stopping))
            {
                if (HasSettledChange() || Interlocked.Exchange(ref _nudged, 0) == 1)
                    _known = _last = await changed();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    internal bool HasSettledChange()
    {
        var now = _known.Again(readFile);
        var settled = now.Same(_last);
        _last = now;
        return settled && !now.Same(_known);
    }
}
