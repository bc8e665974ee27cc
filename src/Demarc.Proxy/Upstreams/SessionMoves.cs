using System.Collections.Concurrent;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Sessions that went to another deployment when their own failed. They stay there for the life of a prompt cache, so that
/// a deployment which comes and goes does not cost them their cache each time, and then return.
/// </summary>
internal sealed class SessionMoves(TimeProvider time)
{
    // The default life of a prompt cache (Prompt caching, "cache lifetime").
    private static readonly TimeSpan CacheLife = TimeSpan.FromMinutes(5);

    // Past the bound they return early, which costs a cache and nothing else.
    private const int MaxSessions = 20_000;

    private readonly ConcurrentDictionary<(string Principal, string Session, string Model), (string Deployment, DateTimeOffset Until)> _moved = new();

    /// <summary>The plan with the deployment first to which the session moved; the same plan where it did not.</summary>
    public DeploymentSnapshot[] Order(DeploymentSnapshot[] plan, string principal, string session, string model, HealthView health)
    {
        if (_moved.IsEmpty || plan.Length < 2 || !_moved.TryGetValue((principal, session, model), out var move))
            return plan;
        var now = time.GetUtcNow();
        var index = Array.FindIndex(plan, d => d.FullName == move.Deployment);
        if (now >= move.Until || index < 0)
        {
            _moved.TryRemove((principal, session, model), out _);
            return plan;
        }
        return index == 0 || health.IsFailing(plan[index], now) ? plan : [plan[index], .. plan[..index], .. plan[(index + 1)..]];
    }

    /// <summary>The session was served elsewhere because its own deployment failed.</summary>
    public void Moved(DeploymentSnapshot to, string principal, string session, string model)
    {
        if (_moved.Count >= MaxSessions)
            _moved.Clear();
        _moved[(principal, session, model)] = (to.FullName, time.GetUtcNow() + CacheLife);
    }
}
