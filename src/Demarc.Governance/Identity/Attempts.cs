using System.Collections.Concurrent;

namespace Demarc.Governance.Identity;

/// <summary>Counts what an address or an account does within a window, in this process; bounded in memory.</summary>
/// <param name="most">What is allowed within a window.</param>
public sealed class Attempts(int most, TimeSpan window, TimeProvider time)
{
    private const int Capacity = 20_000;

    private readonly ConcurrentDictionary<string, Count> _counts = new(StringComparer.Ordinal);

    /// <summary>Whether nothing was counted.</summary>
    public bool IsEmpty => _counts.IsEmpty;

    /// <summary>Whether another one is allowed; takes it.</summary>
    public bool Take(string who)
    {
        var now = time.GetUtcNow();
        if (_counts.Count >= Capacity)
            Forget(now);
        return _counts.AddOrUpdate(
            who,
            _ => new Count(now, 1),
            (_, count) => IsOver(count, now) ? new Count(now, 1) : count with { Number = Math.Min(count.Number + 1, most + 1) }).Number <= most;
    }

    /// <summary>Whether there is none left; takes nothing.</summary>
    public bool IsSpent(string who) => _counts.TryGetValue(who, out var count) && !IsOver(count, time.GetUtcNow()) && count.Number >= most;

    private bool IsOver(Count count, DateTimeOffset now) => now - count.Since >= window;

    private void Forget(DateTimeOffset now)
    {
        foreach (var (who, count) in _counts)
            if (IsOver(count, now))
                _counts.TryRemove(who, out _);
        // All of them within the window: a flood of addresses. The count of each starts over, as memory is bounded.
        if (_counts.Count >= Capacity)
            _counts.Clear();
    }

    private readonly record struct Count(DateTimeOffset Since, int Number);
}
