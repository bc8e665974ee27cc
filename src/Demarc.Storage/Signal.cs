namespace Demarc.Storage;

/// <summary>Wakes a background loop; any number of sets before it wakes count as one.</summary>
internal sealed class Signal(TimeProvider time)
{
    private TaskCompletionSource _set = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Set() => Volatile.Read(ref _set).TrySetResult();

    /// <summary>Waits for a set, or for the time to pass: false when that came first.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, CancellationToken stop)
    {
        var set = Volatile.Read(ref _set).Task;
        await Task.WhenAny(set, Task.Delay(atMost, time, stop)).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        // A set after this line wakes the next wait; one before it is covered by the work that follows.
        if (!set.IsCompleted)
            return false;
        Volatile.Write(ref _set, new(TaskCreationOptions.RunContinuationsAsynchronously));
        return true;
    }
}
