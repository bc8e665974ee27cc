using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Demarc.Governance.Identity;

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

    /// <summary>
    /// Where a session stands between 0 and 1 among those of an alias, on every replica alike: those below a share are
    /// staged, and stay so as the share grows.
    /// </summary>
    public static double Share(string alias, Principal principal, string session)
    {
        Span<byte> key = stackalloc byte[1024];
        if (Utf8.TryWrite(key, $"{alias}\n{principal.OrganizationId}\n{principal.Id}\n{session}", out var length))
            return Uniform(key[..length]);
        return Uniform(Encoding.UTF8.GetBytes($"{alias}\n{principal.OrganizationId}\n{principal.Id}\n{session}"));
    }

    // -weight / ln(u), u uniform in (0, 1): the highest score falls on a target with probability in proportion to its weight.
    private static double Score(AliasTarget target, string key) =>
        -target.Weight / Math.Log(Uniform(Encoding.UTF8.GetBytes($"{key}\n{target.Deployment.FullName}")));

    private static double Uniform(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, hash);
        return ((BinaryPrimitives.ReadUInt64BigEndian(hash) >> 11) + 0.5) / (1UL << 53);
    }
}
