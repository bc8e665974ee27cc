using Demarc.Governance.Wire;

namespace Demarc.Governance.Policy;

/// <summary>
/// Models that a request names beside its own, for the provider to ask: <c>fallbacks</c>, and models inside tools. They
/// run where the deployment runs, so that only what differs by model is asked of them.
/// </summary>
internal static class OtherModels
{
    private const string ProvidersChoice = "default";

    /// <summary>Why the request cannot name them; null when it can.</summary>
    public static Refusal? Refuse(GatewaySnapshot snapshot, EffectivePolicy effective, RequestFacts facts)
    {
        foreach (var policy in effective.Policies)
        {
            var require = policy.Require;
            foreach (var name in facts.OtherModels)
            {
                var model = snapshot.Catalog.FindModel(name);
                if (name == ProvidersChoice && (policy.Models is not null || policy.Deny.Models.Length > 0 || require.Zdr || require.MaxRetentionDays is not null))
                    return new("model_not_allowed", "fallbacks \"default\" lets the provider choose a model, and policy restricts which may be asked. Name them, or leave fallbacks out.", $"{policy.Place}.models", "fallbacks");
                if (name == ProvidersChoice)
                    continue;
                if (policy.Models is { } allowed && !Names(allowed))
                    return new("model_not_allowed", $"The request names the model \"{Shown(name)}\" as well, which policy does not allow for you. Allowed: {string.Join(", ", allowed)}.", $"{policy.Place}.models");
                if (Names(policy.Deny.Models))
                    return new("model_denied", $"The request names the model \"{Shown(name)}\" as well, which policy denies. Leave it out.", $"{policy.Place}.deny.models");
                if (require.Zdr && model is null or { Zdr: false })
                    return new("zdr_model", $"The request names the model \"{Shown(name)}\" as well, for which zero data retention cannot hold. Leave it out.", $"{policy.Place}.require.zdr");
                if (require.MaxRetentionDays is { } most && (model is null || model.RetentionDays > most))
                    return new("retention", $"The request names the model \"{Shown(name)}\" as well, whose content the provider may keep for longer than the {most} days that policy allows. Leave it out.", $"{policy.Place}.require.max_retention_days");

                bool Names(string[] names) =>
                    Array.IndexOf(names, name) >= 0 || (model is not null && Array.Exists(names, n => ReferenceEquals(snapshot.Catalog.FindModel(n), model)));
            }
        }
        return null;
    }

    // A name is the client's own, and may be long; control characters have no place in a message.
    internal static string Shown(string name) => string.Concat(name.Take(80).Select(c => char.IsControl(c) ? '?' : c));
}
