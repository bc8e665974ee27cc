using System.Globalization;
using Demarc.Proxy.Upstreams;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>
/// How far this machine's clock is ahead of the database server's, asked each minute, and of the upstreams'. Limits, tokens and
/// records go by this machine's clock, and replicas have to agree on it.
/// </summary>
internal sealed class Clocks(Store store, UpstreamHealth health, TimeProvider time)
{
    /// <summary>Beyond this replicas put the same moment into different minutes of their limits.</summary>
    public static readonly TimeSpan MostFromStore = TimeSpan.FromSeconds(5);

    /// <summary>Beyond this signatures and tokens are turned away. What is compared has whole seconds.</summary>
    public static readonly TimeSpan MostFromUpstreams = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private long? _asked;
    private object? _fromStore;

    /// <summary>Null where the store has no clock of its own, and until it was asked.</summary>
    public TimeSpan? FromStore => (TimeSpan?)Volatile.Read(ref _fromStore);

    /// <summary>Null until an upstream has answered.</summary>
    public TimeSpan? FromUpstreams => health.Clock.Skew;

    /// <summary>What is wrong with it, in words.</summary>
    public IEnumerable<string> Warnings()
    {
        if (FromStore is { } store && store.Duration() > MostFromStore)
            yield return $"this machine's clock is {Words(store)} the database server's: set both (NTP)";
        if (FromUpstreams is { } upstreams && upstreams.Duration() > MostFromUpstreams)
            yield return $"this machine's clock is {Words(upstreams)} the upstreams': set it (NTP)";
    }

    /// <summary>Asks the store, once a minute however often it is called.</summary>
    public async Task LookAsync()
    {
        if (_asked is { } last && time.GetElapsedTime(last) < Interval)
            return;
        _asked = time.GetTimestamp();
        Volatile.Write(ref _fromStore, await AskAsync(store, time));
    }

    /// <summary>How far this machine's clock is ahead of the store's; null where that has none of its own.</summary>
    public static async Task<TimeSpan?> AskAsync(Store store, TimeProvider time)
    {
        var started = time.GetTimestamp();
        // Half of the way there and back lies behind the answer.
        return await store.ClockAsync() is { } clock ? time.GetUtcNow() - (time.GetElapsedTime(started) / 2) - clock : null;
    }

    public static string Words(TimeSpan ahead) =>
        string.Create(CultureInfo.InvariantCulture, $"{ahead.Duration().TotalSeconds:0.#} s {(ahead < TimeSpan.Zero ? "behind" : "ahead of")}");
}
