using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Threading.Channels;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Proxy.Limits;

namespace Demarc.Proxy.Upstreams;

/// <summary>Whether a call may go to a deployment now.</summary>
internal enum Entry
{
    Open,

    /// <summary>It is failing, or being probed: others are asked first.</summary>
    Failing,

    /// <summary>Its rate is used up.</summary>
    Full,
}

/// <summary>
/// The state of the deployments as this replica sees it and the others say, by name, so that it outlives a reload. The decision reads
/// <see cref="View"/>, which is replaced when a deployment begins or ceases to fail, and when addresses change.
/// </summary>
public sealed class UpstreamHealth(TimeProvider time)
{
    // More than deployments change in the time of a write; the newest are what counts.
    private const int MostChanges = 1000;

    private static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPatience = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, State> _states = new();
    private readonly Lock _publishing = new();
    private readonly Channel<(string Deployment, DateTimeOffset? OpenUntil)> _changes = Channel.CreateBounded<(string, DateTimeOffset?)>(
        new BoundedChannelOptions(MostChanges) { FullMode = BoundedChannelFullMode.DropOldest });
    private FrozenDictionary<string, NetworkReach> _reach = FrozenDictionary<string, NetworkReach>.Empty;
    private HealthView _view = HealthView.Unknown;

    public HealthView View => Volatile.Read(ref _view);

    /// <summary>
    /// What this replica finds: deployments that begin to fail, until when they are not asked before others, and those that
    /// serve again (null). For the other replicas.
    /// </summary>
    public ChannelReader<(string Deployment, DateTimeOffset? OpenUntil)> Changes => _changes.Reader;

    /// <summary>Takes over what another replica found, as if it had been found here.</summary>
    /// <param name="openUntil">Null for a deployment that serves again.</param>
    public void Follow(string deployment, DateTimeOffset? openUntil)
    {
        var state = _states.GetOrAdd(deployment, static _ => new State());
        lock (state)
        {
            if (openUntil is { } until)
                state.Breaker.OpenedElsewhere(until, time.GetUtcNow());
            else if (state.Breaker.IsOpen)
                state.Breaker.Succeeded(time.GetUtcNow());
        }
        Publish();
    }

    /// <summary>Takes a place in the deployment's rate, and the probe where it is one's turn.</summary>
    /// <param name="tokens">What the request brings; null for one that rates do not count.</param>
    internal Entry Enter(DeploymentSnapshot deployment, long? tokens)
    {
        // Most deployments never fail and have no rate: no state, no lock.
        if (deployment.RateLimit.IsNone && !_states.ContainsKey(deployment.FullName))
            return Entry.Open;
        var state = StateOf(deployment);
        var now = time.GetUtcNow();
        lock (state)
        {
            if (!state.Breaker.TryEnter(now))
                return Entry.Failing;
        }
        return tokens is not { } brought || deployment.RateLimit.IsNone || state.Rate.TryEnter(deployment.RateLimit, brought, now) is null ? Entry.Open : Entry.Full;
    }

    /// <summary>Takes a place in the rate of a deployment that is tried although it is failing.</summary>
    internal void EnterAnyway(DeploymentSnapshot deployment, long? tokens)
    {
        if (tokens is { } brought && !deployment.RateLimit.IsNone)
            StateOf(deployment).Rate.TryEnter(deployment.RateLimit, brought, time.GetUtcNow(), isForced: true);
    }

    /// <summary>Gives back a place in the deployment's rate.</summary>
    /// <param name="moreTokens">What the request came to beyond what it brought; null for one that rates do not count.</param>
    internal void Leave(DeploymentSnapshot deployment, long? moreTokens)
    {
        if (moreTokens is { } more && !deployment.RateLimit.IsNone)
            StateOf(deployment).Rate.Leave(deployment.RateLimit, more, time.GetUtcNow());
    }

    internal void Succeeded(DeploymentSnapshot deployment)
    {
        if (!_states.TryGetValue(deployment.FullName, out var state))
            return;
        bool closed;
        lock (state)
        {
            closed = state.Breaker.IsOpen;
            state.Breaker.Succeeded(time.GetUtcNow());
        }
        if (!closed)
            return;
        Publish();
        _changes.Writer.TryWrite((deployment.FullName, null));
    }

    /// <param name="lasting">The next call will fail the same way.</param>
    internal void Failed(DeploymentSnapshot deployment, bool lasting)
    {
        var state = StateOf(deployment);
        DateTimeOffset before, after;
        bool open;
        lock (state)
        {
            before = state.Breaker.FailingUntil;
            state.Breaker.Failed(time.GetUtcNow(), lasting);
            after = state.Breaker.FailingUntil;
            open = state.Breaker.IsOpen;
        }
        if (before == after)
            return;
        Publish();
        if (open)
            _changes.Writer.TryWrite((deployment.FullName, after));
    }

    /// <summary>The deployment has more to do than it can.</summary>
    /// <param name="patience">What it asked for; null when it named nothing.</param>
    internal void Overloaded(DeploymentSnapshot deployment, TimeSpan? patience)
    {
        var state = StateOf(deployment);
        var wait = patience is not { } asked || asked <= TimeSpan.Zero ? DefaultPatience : asked < LongestPatience ? asked : LongestPatience;
        lock (state)
            state.Breaker.Wait(time.GetUtcNow() + wait);
        Publish();
    }

    /// <param name="reach">By host name.</param>
    public void Resolved(FrozenDictionary<string, NetworkReach> reach)
    {
        lock (_publishing)
            _reach = reach;
        Publish();
    }

    /// <summary>A name that was looked up as private led elsewhere when it was connected to.</summary>
    internal void FoundPublic(string host)
    {
        lock (_publishing)
            _reach = _reach.Where(r => r.Key != host).Append(new(host, NetworkReach.Public)).ToFrozenDictionary();
        Publish();
    }

    private State StateOf(DeploymentSnapshot deployment) => _states.GetOrAdd(deployment.FullName, static _ => new State());

    private void Publish()
    {
        lock (_publishing)
        {
            var now = time.GetUtcNow();
            var failing = _states.Where(s => s.Value.Breaker.FailingUntil > now).ToFrozenDictionary(s => s.Key, s => s.Value.Breaker.FailingUntil);
            Volatile.Write(ref _view, new HealthView(failing, _reach));
        }
    }

    private sealed class State
    {
        public CircuitBreaker Breaker { get; } = new();

        public RateCounters Rate { get; } = new();
    }
}
