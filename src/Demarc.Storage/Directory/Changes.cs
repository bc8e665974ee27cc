using Microsoft.Extensions.Logging;

namespace Demarc.Storage.Directory;

/// <summary>
/// Follows what changes in the directory (keys, people, groups, aliases), in this process or another: told at once by
/// this process and by PostgreSQL's notifications, and asking for the version each second.
/// </summary>
public sealed partial class Changes
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Store _store;
    private readonly ILogger _log;
    private readonly Signal _signal;
    private readonly List<Func<Task>> _handlers = [];
    private readonly List<Func<Task>> _eachTime = [];
    private Dictionary<string, long>? _versions;
    private long _confirmed;
    private volatile bool _away;

    internal Changes(Store store, ILogger log)
    {
        _store = store;
        _log = log;
        _signal = new Signal(store.Time);
        _confirmed = store.Time.GetTimestamp();
    }

    /// <summary>How long ago everything that follows the store was known to be as the store has it.</summary>
    public TimeSpan SinceConfirmed => _store.Time.GetElapsedTime(Volatile.Read(ref _confirmed));

    /// <summary>
    /// After how long without the store's word nobody is let in any more, and whoever is, is let go; null for never. To be set before
    /// <see cref="RunAsync"/>.
    /// </summary>
    public TimeSpan? RefuseAfter { get; set; }

    /// <summary>Whether nobody is let in, as the store has not been heard for too long.</summary>
    public bool IsAway => _away;

    /// <summary>
    /// Adds a handler, awaited after each change, and once at the start; one that throws is called again a second later.
    /// To be called before <see cref="RunAsync"/>.
    /// </summary>
    public void Subscribe(Func<Task> handler) => _handlers.Add(handler);

    /// <summary>
    /// Adds a handler, awaited each time the store is asked: each second, and after each change. To be called before
    /// <see cref="RunAsync"/>.
    /// </summary>
    public void SubscribeEach(Func<Task> handler) => _eachTime.Add(handler);

    /// <summary>Follows until stopped. Run once in a serving process.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var listening = Task.WhenAll(ListenAsync(stop), WatchAsync(stop));
        try
        {
            while (true)
            {
                await FollowAsync().ConfigureAwait(false);
                await _signal.WaitAsync(Interval, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopping is no failure.
        }
        await listening.ConfigureAwait(false);
    }

    internal void Nudge() => _signal.Set();

    private async Task FollowAsync()
    {
        try
        {
            var asked = _store.Time.GetTimestamp();
            var rows = await _store.QueryAsync<Row>("SELECT organization_id, version FROM changes", within: Store.Soon).ConfigureAwait(false);
            var versions = rows.ToDictionary(row => row.OrganizationId, row => row.Version);
            // Whoever was let go while the store was away is looked up again.
            var changed = _away || _versions == null || versions.Count != _versions.Count
                || versions.Any(pair => _versions.GetValueOrDefault(pair.Key) != pair.Value);
            await _store.Principals.FollowAsync(changed).ConfigureAwait(false);
            if (changed)
                foreach (var handler in _handlers)
                    await handler().ConfigureAwait(false);
            foreach (var handler in _eachTime)
                await handler().ConfigureAwait(false);
            _versions = versions;
            Volatile.Write(ref _confirmed, asked);
            _away = false;
        }
        catch (Exception e)
        {
            NotFollowed(e);
            _store.ForgetConnections();
        }
    }

    // Beside the questions themselves: one that gets no answer is not over for a long time.
    private async Task WatchAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // A silence is told by a clock alone. Stopping ends the wait and is no failure.
            await Task.Delay(Interval / 4, _store.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_away || RefuseAfter is not { } limit || SinceConfirmed <= limit)
                continue;
            _away = true;
            WentAway(limit.TotalSeconds);
            await _store.Principals.LetGoAsync().ConfigureAwait(false);
        }
    }

    private async Task ListenAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _store.ListenAsync(Nudge, stop).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                NotListening(e);
                // Nothing tells when a connection can be had again; until then the version is polled. Stopping ends the wait and is no failure.
                await Task.Delay(Interval, _store.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                // Whatever broke, it is the stopping that broke it.
                return;
            }
        }
    }

    [LoggerMessage(3001, LogLevel.Error, "The store's changes could not be followed; trying again in a second")]
    private partial void NotFollowed(Exception e);

    [LoggerMessage(3004, LogLevel.Critical, "The store has not been heard for {Seconds} seconds: requests are refused, and those under way end")]
    private partial void WentAway(double seconds);

    [LoggerMessage(3002, LogLevel.Warning, "No notifications of changes; the version is still asked for each second")]
    private partial void NotListening(Exception e);

    private sealed record Row
    {
        public required string OrganizationId { get; init; }

        public required long Version { get; init; }
    }
}
