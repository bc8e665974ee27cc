using System.Collections.Concurrent;

namespace Demarc.Governance.Identity;

/// <summary>What was counted of somebody.</summary>
/// <param name="Who">An address, an account or a session.</param>
/// <param name="EndsAt">When the window is over that it was counted in.</param>
public readonly record struct AttemptCount(string Who, int Number, DateTimeOffset EndsAt);

/// <summary>
/// Counts what an address or an account does within a window: in this process, and with what other replicas were
/// heard to count. Bounded in memory; asks nobody.
/// </summary>
/// <param name="most">What is allowed within a window.</param>
public sealed class Attempts(int most, TimeSpan window, TimeProvider time)
{
    private const int Capacity = 20_000;

    // What others hear of: below it somebody mistypes, and nobody guesses.
    private const int LeastTold = 2;

    private readonly ConcurrentDictionary<string, Count> _counts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Count> _elsewhere = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _untold = new(StringComparer.Ordinal);

    /// <summary>Whether nothing was counted.</summary>
    public bool IsEmpty => _counts.IsEmpty && _elsewhere.IsEmpty;

    /// <summary>Whether another one is allowed; takes it.</summary>
    public bool Take(string who)
    {
        var now = time.GetUtcNow();
        if (_counts.Count >= Capacity && Forget(_counts, now))
            _untold.Clear();
        var number = _counts.AddOrUpdate(
            who,
            _ => new Count(now + window, 1),
            (_, count) => count.EndsAt <= now ? new Count(now + window, 1) : count with { Number = Math.Min(count.Number + 1, most + 1) }).Number;
        if (number >= LeastTold && _untold.Count < Capacity)
            _untold[who] = true;
        return number + Elsewhere(who, now) <= most;
    }

    /// <summary>Whether there is none left; takes nothing.</summary>
    public bool IsSpent(string who)
    {
        var now = time.GetUtcNow();
        return (_counts.TryGetValue(who, out var count) && count.EndsAt > now ? count.Number : 0) + Elsewhere(who, now) >= most;
    }

    /// <summary>What was counted here since it was last asked for, some of it.</summary>
    public AttemptCount[] Untold(int limit)
    {
        var told = new List<AttemptCount>();
        foreach (var (who, _) in _untold.Take(limit))
            if (_untold.TryRemove(who, out _) && _counts.TryGetValue(who, out var count))
                told.Add(new AttemptCount(who, count.Number, count.EndsAt));
        return [.. told];
    }

    /// <summary>Takes what all other replicas together have counted of somebody.</summary>
    public void Hear(AttemptCount others)
    {
        if (_elsewhere.Count >= Capacity)
            Forget(_elsewhere, time.GetUtcNow());
        _elsewhere[others.Who] = new Count(others.EndsAt, others.Number);
    }

    private int Elsewhere(string who, DateTimeOffset now) => _elsewhere.TryGetValue(who, out var count) && count.EndsAt > now ? count.Number : 0;

    // Whether all of them had to go.
    private static bool Forget(ConcurrentDictionary<string, Count> counts, DateTimeOffset now)
    {
        foreach (var (who, count) in counts)
            if (count.EndsAt <= now)
                counts.TryRemove(who, out _);
        // All of them within the window: a flood of addresses. The count of each starts over, as memory is bounded.
        if (counts.Count < Capacity)
            return false;
        counts.Clear();
        return true;
    }

    private readonly record struct Count(DateTimeOffset EndsAt, int Number);
}
