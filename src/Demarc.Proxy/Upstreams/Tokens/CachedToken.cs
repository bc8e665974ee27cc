using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Upstreams.Tokens;

/// <summary>
/// A token that is asked for once and kept. It is renewed ahead of its end, by one caller at a time and without anybody
/// waiting; where that fails the old one serves until its end.
/// </summary>
/// <param name="name">For the operator's log.</param>
internal sealed partial class CachedToken<T>(string name, Func<CancellationToken, Task<(T Token, DateTimeOffset Expires)>> fetch, TimeProvider time, ILogger log, CancellationToken stop)
    where T : class
{
    // Requests with a token that ends while they travel fail: none goes out with less left.
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_ahead = TimeSpan.FromMinutes(5);

    // After a failed renewal, and before a refused token is asked for again.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private Held? _held;
    private Task<Held>? _flight;
    private DateTimeOffset _notBefore;

    private sealed record Held(T Token, DateTimeOffset Expires, DateTimeOffset RenewAt, DateTimeOffset Fetched);

    /// <exception cref="CredentialException">There is none to be had.</exception>
    public ValueTask<T> GetAsync(CancellationToken caller)
    {
        var now = time.GetUtcNow();
        var held = Volatile.Read(ref _held);
        if (held is not null && now < held.RenewAt)
            return new ValueTask<T>(held.Token);
        return GetSlowlyAsync(held, now, caller);
    }

    /// <summary>Forgets a token that was refused; false when a new one would come no better, having been asked for just now.</summary>
    public bool Forget(T token)
    {
        lock (_gate)
        {
            if (_held is not { } held || !ReferenceEquals(held.Token, token))
                return true;
            if (time.GetUtcNow() - held.Fetched < s_pause)
                return false;
            _held = null;
            return true;
        }
    }

    private async ValueTask<T> GetSlowlyAsync(Held? held, DateTimeOffset now, CancellationToken caller)
    {
        var serves = held is not null && now < held.Expires - s_least;
        Task<Held> flight;
        lock (_gate)
        {
            if (_held is { } newer && now < newer.RenewAt)
                return newer.Token;
            if (serves && now < _notBefore)
                return held!.Token;
            flight = _flight ??= FetchAsync();
        }
        return serves ? held!.Token : (await flight.WaitAsync(caller)).Token;
    }

    private async Task<Held> FetchAsync()
    {
        await Task.Yield();
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(s_patience);
            var (token, expires) = await fetch(patience.Token);
            var now = time.GetUtcNow();
            var life = expires - now;
            // Short-lived ones are renewed in their last quarter.
            var held = new Held(token, expires, expires - (life / 4 < s_ahead ? life / 4 : s_ahead), now);
            lock (_gate)
                (_held, _flight, _notBefore) = (held, null, default);
            return held;
        }
        catch (Exception e)
        {
            lock (_gate)
                (_flight, _notBefore) = (null, time.GetUtcNow() + s_pause);
            if (!stop.IsCancellationRequested)
                LogFailed(e, name);
            throw e as CredentialException ?? new CredentialException($"No token for {name}: {e.Message}", e);
        }
    }

    [LoggerMessage(1101, LogLevel.Error, "No token for {Name}")]
    private partial void LogFailed(Exception e, string name);
}
