namespace Demarc.Simulator.Logging;

/// <summary>The requests received, oldest first, bounded in number and in body bytes.</summary>
public sealed class SimulatorLog
{
    private readonly Lock _gate = new();
    private readonly Queue<LoggedRequest> _requests = new();
    private readonly int _maxRequests;
    private readonly long _maxBytes;
    private long _bytes;
    private long _number;
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal SimulatorLog(bool enabled, int maxRequests, long maxBytes)
    {
        Enabled = enabled;
        _maxRequests = maxRequests;
        _maxBytes = maxBytes;
    }

    /// <summary>False when the simulator was started without a log: it then stays empty.</summary>
    public bool Enabled { get; }

    /// <summary>Requests numbered above <paramref name="since"/>, oldest first; all that are held by default.</summary>
    public LoggedRequest[] Read(long since = 0)
    {
        lock (_gate)
            return [.. _requests.Where(request => request.Number > since)];
    }

    /// <summary>Waits until <paramref name="count"/> requests numbered above <paramref name="since"/> are held.</summary>
    public async Task<LoggedRequest[]> WaitAsync(int count, long since = 0, CancellationToken cancellation = default)
    {
        while (true)
        {
            Task added;
            lock (_gate)
                added = _added.Task;
            var read = Read(since);
            if (read.Length >= count)
                return read;
            await added.WaitAsync(cancellation);
        }
    }

    /// <summary>Forgets what is held; numbering goes on.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _requests.Clear();
            _bytes = 0;
        }
    }

    internal void Add(LoggedRequest request)
    {
        TaskCompletionSource added;
        lock (_gate)
        {
            request.Number = ++_number;
            _requests.Enqueue(request);
            _bytes += request.Body.Length;
            while (_requests.Count > _maxRequests || (_bytes > _maxBytes && _requests.Count > 1))
                _bytes -= _requests.Dequeue().Body.Length;
            added = _added;
            _added = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        added.SetResult();
    }
}
