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

/// <summary>What one replica tells the others of a deployment.</summary>
public enum DeploymentHealth
{
    /// <summary>It serves again.</summary>
    Serving,

    /// <summary>It fails.</summary>
    Failing,

    /// <summary>It works, and asked for patience (429, 529).</summary>
    Busy,
}

/// <param name="Deployment"><c>resource/deployment</c>.</param>
/// <param name="Until">Until when it is not asked before others; of no meaning for one that serves again.</param>
public readonly record struct HealthChange(string Deployment, DeploymentHealth Health, DateTimeOffset Until);

/// <summary>
/// The state of the deployments as this replica sees it and the others say, by name, so that it outlives a reload. The decision reads
/// <see cref="View"/>, which is replaced when a deployment begins or ceases to fail, and when addresses change.
/// </summary>
/// <param name="sharing">How the deployments' rates are shared with other replicas.</param>
public sealed class UpstreamHealth(TimeProvider time, RateSharing sharing)
{
    // More than deployments change in the time of a write; the newest are what counts.
    private const int MostChanges = 1000;

    private static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPatience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PatienceGrain = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, State> _states = new();
    private readonly Lock _publishing = new();
    private readonly Channel<HealthChange> _changes = Channel.CreateBounded<HealthChange>(
        new BoundedChannelOptions(MostChanges) { FullMode = BoundedChannelFullMode.DropOldest });
    private FrozenDictionary<string, NetworkReach> _reach = FrozenDictionary<string, NetworkReach>.Empty;
    private HealthView _view = HealthView.Unknown;

    public HealthView View => Volatile.Read(ref _view);

    /// <summary>What the upstreams' clocks say of this machine's.</summary>
    public UpstreamClock Clock { get; } = new();

    /// <summary>
    /// What this replica finds: deployments that begin to fail, that ask for patience, and that serve again. For the other
    /// replicas.
    /// </summary>
    public ChannelReader<HealthChange> Changes => _changes.Reader;

    /// <summary>Takes over what another replica found, as if it had been found here.</summary>
    public void Follow(HealthChange change)
    {
        var state = _states.GetOrAdd(change.Deployment, static (_, sharing) => new State(sharing.Counters()), sharing);
        var now = time.GetUtcNow();
        lock (state)
        {
            switch (change.Health)
            {
                case DeploymentHealth.Failing:
                    state.Breaker.OpenedElsewhere(change.Until, now);
                    break;
                // What another clock says must not keep it out for longer than patience can be.
                case DeploymentHealth.Busy:
                    state.Breaker.Wait(change.Until < now + LongestPatience ? change.Until : now + LongestPatience);
                    break;
                case DeploymentHealth.Serving when state.Breaker.IsOpen:
                    state.Breaker.Succeeded(now);
                    break;
            }
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

    /// <summary>Whether it is worth trying again to enter a deployment whose rate had no room in this replica. Nobody waits: there may be another deployment.</summary>
    internal ValueTask<bool> MakeRoomAsync(DeploymentSnapshot deployment, string organizationId) =>
        sharing.MakeRoomAsync(organizationId, "deployment/" + deployment.FullName, StateOf(deployment).Rate, deployment.RateLimit, waits: false, CancellationToken.None);

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
        _changes.Writer.TryWrite(new(deployment.FullName, DeploymentHealth.Serving, default));
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
            _changes.Writer.TryWrite(new(deployment.FullName, DeploymentHealth.Failing, after));
    }

    /// <summary>The deployment has more to do than it can.</summary>
    /// <param name="patience">What it asked for; null when it named nothing.</param>
    internal void Overloaded(DeploymentSnapshot deployment, TimeSpan? patience)
    {
        var state = StateOf(deployment);
        var wait = patience is not { } asked || asked <= TimeSpan.Zero ? DefaultPatience : asked < LongestPatience ? asked : LongestPatience;
        var until = time.GetUtcNow() + wait;
        bool isNews;
        lock (state)
        {
            state.Breaker.Wait(until);
            // Each call that it refuses asks for a little more: the others need not hear of every one.
            isNews = !state.Breaker.IsOpen && until - state.ToldUntil >= PatienceGrain;
            if (isNews)
                state.ToldUntil = until;
        }
        Publish();
        if (isNews)
            _changes.Writer.TryWrite(new(deployment.FullName, DeploymentHealth.Busy, until));
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

    private State StateOf(DeploymentSnapshot deployment) => _states.GetOrAdd(deployment.FullName, static (_, sharing) => new State(sharing.Counters()), sharing);

    private void Publish()
    {
        lock (_publishing)
        {
            var now = time.GetUtcNow();
            var failing = _states.Where(s => s.Value.Breaker.FailingUntil > now).ToFrozenDictionary(s => s.Key, s => s.Value.Breaker.FailingUntil);
            Volatile.Write(ref _view, new HealthView(failing, _reach));
        }
    }

    private sealed class State(RateCounters rate)
    {
        public CircuitBreaker Breaker { get; } = new();

        public RateCounters Rate => rate;

        /// <summary>The end of the patience that the other replicas know of.</summary>
        public DateTimeOffset ToldUntil { get; set; }
    }
}
