using System.Threading.Channels;

namespace Demarc.Storage;

/// <summary>Lets a thread of its own sleep until its queue has something. At once: whoever would spin first takes a core from requests.</summary>
internal sealed class QueueWait<T> : IDisposable
{
    private readonly ChannelReader<T> _reader;
    private readonly ManualResetEventSlim _wake = new(initialState: false, spinCount: 0);
    private readonly Action _set;

    public QueueWait(ChannelReader<T> reader) => (_reader, _set) = (reader, _wake.Set);

    /// <summary>False once the queue is closed, and empty.</summary>
    public bool HasMore()
    {
        var waiting = _reader.WaitToReadAsync();
        if (waiting.IsCompleted)
            return waiting.Result;
        var more = waiting.AsTask();
        _wake.Reset();
        more.GetAwaiter().UnsafeOnCompleted(_set);
        _wake.Wait();
        return more.Result;
    }

    public void Dispose() => _wake.Dispose();
}
