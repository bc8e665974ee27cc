namespace Demarc.Governance.Spend;

/// <summary>
/// Requests that wait for others' holds on one budget, first come first. Who is woken looks for itself, and waits on at the
/// end of the line where it does not help; who leaves wakes the next.
/// </summary>
internal sealed class WaitingLine
{
    // Enough that what is small gets its turn behind what is large, and few enough that thousands are not woken for one.
    private const int AtOnce = 16;

    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private volatile int _count;
    private LinkedListNode<TaskCompletionSource>? _asker;

    public LinkedListNode<TaskCompletionSource> Enter()
    {
        var place = new LinkedListNode<TaskCompletionSource>(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_waiting)
        {
            _waiting.AddLast(place);
            _count = _waiting.Count;
        }
        return place;
    }

    /// <summary>Whether this one asks the store again and again while other replicas hold something: one of the line does.</summary>
    public bool Asks(LinkedListNode<TaskCompletionSource> place)
    {
        lock (_waiting)
            return (_asker ??= place) == place;
    }

    public void Leave(LinkedListNode<TaskCompletionSource> place)
    {
        lock (_waiting)
        {
            // Those who were woken are out of the line already.
            if (place.List is not null)
                _waiting.Remove(place);
            _count = _waiting.Count;
            if (_asker == place)
                _asker = null;
        }
    }

    public void Wake(int most = AtOnce)
    {
        // Nobody waits as long as nothing is short. Who enters later looks at what there is after entering.
        if (_count == 0)
            return;
        lock (_waiting)
        {
            for (; most > 0 && _waiting.First is { } first; most--)
            {
                _waiting.RemoveFirst();
                first.Value.TrySetResult();
            }
            _count = _waiting.Count;
        }
    }
}
