using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Demarc.Governance.Policy;

/// <summary>
/// Weighted rendezvous hashing: the same session comes to the same target of a tier, on every replica and while the
/// others come and go, and sessions spread by weight. A session so stays with its prompt cache.
/// </summary>
internal static class Rendezvous
{
    /// <summary>The targets in the order in which to try them: by tier, within a tier by score.</summary>
    public static AliasTarget[] Order(AliasTarget[] targets, string key)
    {
        if (targets.Length == 1)
            return targets;
        var scored = new (AliasTarget Target, double Score)[targets.Length];
        for (var i = 0; i < targets.Length; i++)
            scored[i] = (targets[i], Score(targets[i], key));
        Array.Sort(scored, static (a, b) => a.Target.Tier != b.Target.Tier ? a.Target.Tier.CompareTo(b.Target.Tier) : b.Score.CompareTo(a.Score));
        return Array.ConvertAll(scored, s => s.Target);
    }

    // -weight / ln(u), u uniform in (0, 1): the highest score falls on a target with probability in proportion to its weight.
    private static double Score(AliasTarget target, string key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{key}\n{target.Deployment.FullName}"), hash);
        var uniform = ((BinaryPrimitives.ReadUInt64BigEndian(hash) >> 11) + 0.5) / (1UL << 53);
        return -target.Weight / Math.Log(uniform);
    }
}
