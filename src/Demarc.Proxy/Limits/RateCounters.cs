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

/// <summary>What counts towards one rate limit in this replica. Safe for concurrent use.</summary>
internal sealed class RateCounters
{
    // When requests under way end is not known.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly RateWindow _requests = new();
    private readonly RateWindow _tokens = new();
    private int _concurrent;
    private DateTimeOffset _used;

    /// <summary>Counts a request that begins, with the tokens it brings; what is in its way, or null.</summary>
    /// <param name="isForced">Counts it whatever is used up.</param>
    public RateShortage? TryEnter(in RateLimit limit, long tokens, DateTimeOffset now, bool isForced = false)
    {
        lock (_gate)
        {
            if (!isForced && Missing(limit, now) is { } shortage)
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
        }
    }

    /// <summary>Nothing of it counts any more.</summary>
    public bool IsOver(DateTimeOffset now)
    {
        lock (_gate)
            return _concurrent == 0 && now - _used > TimeSpan.FromMinutes(2);
    }

    private RateShortage? Missing(in RateLimit limit, DateTimeOffset now) =>
        limit.Concurrent is { } most && _concurrent >= most ? new(RateKind.Concurrent, Soon)
        : limit.RequestsPerMinute is { } requests && !_requests.HasRoom(requests, now) ? new(RateKind.Requests, _requests.Wait(requests, now))
        : limit.TokensPerMinute is { } tokens && !_tokens.HasRoom(tokens, now) ? new(RateKind.Tokens, _tokens.Wait(tokens, now))
        : null;
}
