using Demarc.Governance.Policy;

namespace Demarc.Proxy.Limits;

internal enum RateKind
{
    Requests,
    Tokens,
    Concurrent,
}

/// <summary>Which rate is used up, and how long until it is not.</summary>
internal readonly record struct RateShortage(RateKind Kind, TimeSpan Wait);

/// <summary>What counts towards one rate limit in this replica, and the part of it that this replica has. Safe for concurrent use.</summary>
/// <param name="sharing">Null where this replica has all of it.</param>
internal sealed class RateCounters(RateSharing? sharing)
{
    // When requests under way end is not known.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly RateWindow _requests = new();
    private readonly RateWindow _tokens = new();
    private int _concurrent;
    private DateTimeOffset _used;
    private RateAmounts _part = sharing is null ? RateAmounts.Whole : default;

    // Who sends a request every few seconds keeps a little in hand.
    private static readonly TimeSpan IdleAfter = TimeSpan.FromSeconds(5);

    /// <summary>One caller asks the store at a time.</summary>
    public SemaphoreSlim Asking { get; } = new(1, 1);

    /// <summary>When the store last had no more; 0 where it had. Of who holds <see cref="Asking"/>.</summary>
    public long DeniedAt { get; set; }

    /// <summary>Counts a request that begins, with the tokens it brings; what is in its way, or null.</summary>
    /// <param name="isForced">Counts it whatever is used up.</param>
    public RateShortage? TryEnter(in RateLimit limit, long tokens, DateTimeOffset now, bool isForced = false)
    {
        lock (_gate)
        {
            if (!isForced && Missing(limit, _part, now) is { } shortage)
                return shortage;
            if (limit.RequestsPerMinute is not null)
                _requests.Add(1, now);
            if (limit.TokensPerMinute is not null)
                _tokens.Add(tokens, now);
            _concurrent++;
            _used = now;
            return null;
        }
    }

    /// <summary>Counts a request as ended, with the tokens it came to beyond those it brought.</summary>
    public void Leave(in RateLimit limit, long moreTokens, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (limit.TokensPerMinute is not null)
                _tokens.Add(moreTokens, now);
            _concurrent--;
            _used = now;
            if (sharing is null || limit.Concurrent is not { } most || _part.Concurrent - _concurrent <= RateShare.Slack(most))
                return;
        }
        sharing.Freed();
    }

    /// <summary>What is in the way of another request, within this replica's part; null for nothing.</summary>
    public RateShortage? Missing(in RateLimit limit, DateTimeOffset now)
    {
        lock (_gate)
            return Missing(limit, _part, now);
    }

    /// <summary>Whether this replica alone uses up all of it.</summary>
    public bool UsesAll(in RateLimit limit, DateTimeOffset now)
    {
        lock (_gate)
            return Missing(limit, RateAmounts.Whole, now) is not null;
    }

    public RateAmounts Used(DateTimeOffset now)
    {
        lock (_gate)
            return new(_requests.Count(now), _tokens.Count(now), _concurrent);
    }

    public void Use(RateAmounts part)
    {
        lock (_gate)
            _part = part;
    }

    /// <summary>Lowers this replica's part to what it needs; null where that is what it has, or nobody else is there to need it.</summary>
    public RateAmounts? Trim(in RateLimit limit, bool isAlone, DateTimeOffset now)
    {
        lock (_gate)
        {
            var used = new RateAmounts(_requests.Count(now), _tokens.Count(now), _concurrent);
            var kept = RateShare.Keep(limit, used, _part, isIdle: now - _used > IdleAfter);
            if (kept == _part || (isAlone && used != default))
                return null;
            return _part = kept;
        }
    }

    /// <summary>Nothing of it counts any more.</summary>
    public bool IsOver(DateTimeOffset now)
    {
        lock (_gate)
            return _concurrent == 0 && now - _used > TimeSpan.FromMinutes(2);
    }

    private RateShortage? Missing(in RateLimit limit, in RateAmounts part, DateTimeOffset now) =>
        limit.Concurrent is { } most && _concurrent >= Math.Min(most, part.Concurrent) ? new(RateKind.Concurrent, Soon)
        : limit.RequestsPerMinute is { } requests && Math.Min(requests, part.Requests) is var here && !_requests.HasRoom(here, now) ? new(RateKind.Requests, _requests.Wait(here, now))
        : limit.TokensPerMinute is { } tokens && Math.Min(tokens, part.Tokens) is var left && !_tokens.HasRoom(left, now) ? new(RateKind.Tokens, _tokens.Wait(left, now))
        : null;
}
