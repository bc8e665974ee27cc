using Demarc.Control.Configuration;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Law 5 at the start: under a policy that requires zero data retention, nothing may write this process's memory to a disk.</summary>
internal static class ZeroRetention
{
    /// <summary>Whether a policy in force requires it.</summary>
    public static bool IsRequired(IEnumerable<PolicySnapshot> policies) => policies.Any(p => p.Require.Zdr);

    /// <summary>Closes what can be closed, and refuses what stays open and is not waived.</summary>
    /// <exception cref="ServeException">Something is open; the message says what, and what to do.</exception>
    /// <returns>What is open and waived.</returns>
    public static string[] Enforce(GatewaySnapshot snapshot, ZeroRetentionConfig config, Func<string, string?> environment, string root = "")
    {
        if (!IsRequired(snapshot.Policies))
            return [];
        HostMemory.Close();
        var open = HostMemory.Open(environment, root).ToArray();
        var refused = open.Where(o => !config.Waived.Contains(o.What)).ToArray();
        if (refused.Length > 0)
            throw new ServeException(
                $"A policy requires zero data retention (require.zdr), and memory of this process could reach a disk:\n{string.Join('\n', refused.Select(r => $"  {r.What}: {r.Problem}"))}\n"
                + "Or take the risk on record: zero_retention: { waive: [" + string.Join(", ", refused.Select(r => r.What).Distinct()) + "], reason: … }");
        return [.. open.Select(o => o.What).Distinct()];
    }

    /// <summary>Puts a waiver that is used on record, at every start.</summary>
    public static async Task RecordAsync(Store store, string organizationId, ZeroRetentionConfig config, string[] waived)
    {
        if (waived.Length > 0)
            await store.RecordAsync(organizationId, new ActorRecord("system", store.Replica), "demarc_zero_retention_waived", new()
            {
                ["waived"] = string.Join(',', waived),
                ["reason"] = config.Reason,
            });
    }
}
