using System.Collections.Concurrent;
using System.Globalization;
using Demarc.Governance.Policy;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Upstreams;

namespace Demarc.Proxy.Limits;

/// <summary>
/// The step before the reservation that holds requests against the rate limits of policies, over all replicas.
/// Tokens are counted once they are known: a request that brings more than is left of a minute is served, and the next waits.
/// </summary>
internal sealed class RateGate(RateSharing sharing, TimeProvider time)
{
    private const int BytesPerToken = 4;

    // What is over is let go of when it comes to this many.
    private const int Many = 20_000;

    private readonly ConcurrentDictionary<string, RateCounters> _counters = new(StringComparer.Ordinal);

    /// <summary>What is in the way, and for how long; null when the request counts, and then <see cref="Exchange.Rates"/> is set.</summary>
    public async ValueTask<(AppliedRate Rate, RateShortage Shortage)?> EnterAsync(Exchange x, AppliedRate[] rates, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var hold = new RateHold(rates, new RateCounters[rates.Length], Estimate(x));
        var entered = 0;
        try
        {
            for (; entered < rates.Length; entered++)
            {
                var (rate, counters) = (rates[entered], hold.Counters[entered] = CountersOf(rates[entered].Key, now));
                while (counters.TryEnter(rate.Rate.Limit, hold.Tokens, now) is { } shortage)
                {
                    if (!await sharing.MakeRoomAsync(x.Principal.OrganizationId, rate.Key, counters, rate.Rate.Limit, waits: true, stop))
                        return (rate, shortage);
                    now = time.GetUtcNow();
                }
            }
            x.Rates = hold;
            return null;
        }
        finally
        {
            if (x.Rates is null)
                hold.Leave(entered, 0, now);
        }
    }

    /// <summary>Ends what <see cref="Enter"/> counted; before the end of the answer leaves, so that the client's next request finds its place free.</summary>
    public static void Leave(Exchange x, DateTimeOffset now)
    {
        if (x.Rates is not { } hold)
            return;
        x.Rates = null;
        hold.Leave(hold.Counters.Length, More(x), now);
    }

    /// <summary>The same for the deployment that was asked.</summary>
    public static void LeaveDeployment(Exchange x, UpstreamHealth health)
    {
        if (!x.HasPlace)
            return;
        x.HasPlace = false;
        health.Leave(x.Deployment, x.Operation == Operation.CountTokens ? null : More(x));
    }

    /// <summary>The tokens that a request brings, before the provider has counted them.</summary>
    public static long Estimate(Exchange x) => x.Body.Length / BytesPerToken;

    private static long More(Exchange x) =>
        x.Answer.Usage is not { } usage ? 0 : usage.InputTokens + usage.CacheWrite5m + usage.CacheWrite1h + usage.OutputTokens - Estimate(x);

    /// <summary>What a person reads.</summary>
    public static string Message(AppliedRate rate, RateShortage shortage)
    {
        var whose = rate.Rate.Per switch { RatePer.Person => "your", RatePer.Key => "this key's", _ => "your group's" };
        var limit = rate.Rate.Limit;
        return shortage.Kind switch
        {
            RateKind.Requests => string.Create(CultureInfo.InvariantCulture, $"{whose} limit of {limit.RequestsPerMinute} requests a minute is reached; try again in {Seconds(shortage)} s"),
            RateKind.Tokens => string.Create(CultureInfo.InvariantCulture, $"{whose} limit of {limit.TokensPerMinute} tokens a minute is reached; try again in {Seconds(shortage)} s"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{whose} limit of {limit.Concurrent} requests at the same time is reached; try again when one has ended"),
        };
    }

    /// <summary>Whole seconds, 1 at least.</summary>
    public static long Seconds(RateShortage shortage) => Math.Max(1, (long)Math.Ceiling(shortage.Wait.TotalSeconds));

    private RateCounters CountersOf(string key, DateTimeOffset now)
    {
        if (_counters.TryGetValue(key, out var known))
            return known;
        if (_counters.Count >= Many)
        {
            foreach (var (name, counters) in _counters)
            {
                if (counters.IsOver(now))
                    _counters.TryRemove(name, out _);
            }
        }
        return _counters.GetOrAdd(key, static (_, sharing) => sharing.Counters(), sharing);
    }
}

/// <summary>The counters that a request under way counts in.</summary>
internal sealed record RateHold(AppliedRate[] Rates, RateCounters[] Counters, long Tokens)
{
    /// <param name="count">How many of them, from the first.</param>
    public void Leave(int count, long moreTokens, DateTimeOffset now)
    {
        for (var i = 0; i < count; i++)
            Counters[i].Leave(Rates[i].Rate.Limit, moreTokens, now);
    }
}
