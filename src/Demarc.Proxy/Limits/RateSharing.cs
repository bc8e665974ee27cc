using System.Collections.Concurrent;
using System.Threading.Channels;
using Demarc.Governance.Policy;

namespace Demarc.Proxy.Limits;

/// <summary>
/// Holds rates over all replicas: each counts by itself within a part of the rate, asks the store for more when it is short, and
/// gives back what it does not use. A gateway alone on its store (SQLite) has all of every rate, and asks nobody.
/// </summary>
/// <param name="shares">Null where no other replica can be.</param>
public sealed class RateSharing(IRateShares? shares, TimeProvider time)
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(100);

    // What others give back is in the store within a second.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan FollowEvery = TimeSpan.FromSeconds(1);

    // A store that does not answer holds up the request that finds out, and then none for a while.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Taken> _taken = new(StringComparer.Ordinal);
    private readonly Channel<bool> _freed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile bool _isAlone;
    private long _awaySince;

    internal RateCounters Counters() => new(shares is null ? null : this);

    /// <summary>Whether it is worth trying again to enter a rate that had no room here.</summary>
    /// <param name="waits">Whether to wait for requests of other replicas that end.</param>
    internal async ValueTask<bool> MakeRoomAsync(string organizationId, string key, RateCounters counters, RateLimit limit, bool waits, CancellationToken stop)
    {
        if (shares is null)
            return false;
        for (var started = time.GetTimestamp(); ;)
        {
            if (await AskAsync(shares, organizationId, key, counters, limit, stop))
                return true;
            var now = time.GetUtcNow();
            if (!waits || counters.Missing(limit, now)?.Kind != RateKind.Concurrent || counters.UsesAll(limit, now) || time.GetElapsedTime(started) > Patience)
                return false;
            // Places that become free elsewhere are in the store; no signal comes from there.
            await Task.Delay(AskEvery, time, stop);
        }
    }

    /// <summary>A place became free that this replica need not keep.</summary>
    internal void Freed()
    {
        if (!_isAlone)
            _freed.Writer.TryWrite(true);
    }

    /// <summary>Gives back what is not used, until stopped.</summary>
    /// <param name="failed">Told of a store that cannot be asked; it is asked again.</param>
    public async Task RunAsync(Action<Exception> failed, CancellationToken stop)
    {
        if (shares is null)
            return;
        var freed = Task.CompletedTask;
        while (!stop.IsCancellationRequested)
        {
            if (freed.IsCompleted)
            {
                _freed.Reader.TryRead(out _);
                freed = _freed.Reader.WaitToReadAsync(stop).AsTask();
            }
            try
            {
                await FollowAsync(shares);
            }
            catch (Exception e)
            {
                failed(e);
            }
            // A minute slides by without a sign; only places that become free give one. Stopping ends the wait and is no failure.
            await Task.WhenAny(freed, Task.Delay(FollowEvery, time, stop));
        }
    }

    private async Task FollowAsync(IRateShares store)
    {
        if (_taken.IsEmpty)
            return;
        _isAlone = await store.IsAloneAsync();
        var now = time.GetUtcNow();
        var trimmed = new List<RateCounters>();
        var parts = new List<RatePart>();
        try
        {
            foreach (var (key, taken) in _taken)
            {
                // One that asks just now is looked at the next time.
                if (!taken.Counters.Asking.Wait(0))
                    continue;
                trimmed.Add(taken.Counters);
                if (taken.Counters.Trim(taken.Limit, _isAlone, now) is not { } part)
                    continue;
                parts.Add(new RatePart(taken.OrganizationId, key, part));
                if (part == default)
                    _taken.TryRemove(key, out _);
            }
            // Whoever asks waits for this.
            if (parts.Count > 0)
                await store.KeepAsync(parts).WaitAsync(Longest, time);
        }
        finally
        {
            foreach (var counters in trimmed)
                counters.Asking.Release();
        }
    }

    private async ValueTask<bool> AskAsync(IRateShares store, string organizationId, string key, RateCounters counters, RateLimit limit, CancellationToken stop)
    {
        await counters.Asking.WaitAsync(stop);
        try
        {
            var now = time.GetUtcNow();
            if (counters.Missing(limit, now) is null)
                return true;
            if (counters.UsesAll(limit, now) || (counters.DeniedAt > 0 && time.GetElapsedTime(counters.DeniedAt) < AskEvery))
                return false;
            _taken[key] = new Taken(organizationId, limit, counters);
            counters.Use(await PartAsync(store, organizationId, key, limit, counters.Used(now)));
            var isRoom = counters.Missing(limit, now) is null;
            counters.DeniedAt = isRoom ? 0 : time.GetTimestamp();
            return isRoom;
        }
        finally
        {
            counters.Asking.Release();
        }
    }

    private async Task<RateAmounts> PartAsync(IRateShares store, string organizationId, string key, RateLimit limit, RateAmounts used)
    {
        if (Volatile.Read(ref _awaySince) is > 0 and var since && time.GetElapsedTime(since) < Away)
            return RateAmounts.Whole;
        try
        {
            var part = await store.TakeAsync(organizationId, key, limit, used).WaitAsync(Longest, time);
            Volatile.Write(ref _awaySince, 0);
            return part;
        }
        catch (Exception)
        {
            // Whether anything is served without the store is decided elsewhere: until it answers, this replica counts by itself.
            Volatile.Write(ref _awaySince, time.GetTimestamp());
            return RateAmounts.Whole;
        }
    }

    private sealed record Taken(string OrganizationId, RateLimit Limit, RateCounters Counters);
}
