using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Policy;

/// <summary>What rests on agreements (zero data retention, BAA, retention) and on what the request uses.</summary>
internal sealed partial class Eligibility
{
    private static readonly FactName ZdrFact = new(Hop.Storage, FactKind.Zdr);
    private static readonly FactName BaaFact = new(Hop.Storage, FactKind.Baa);
    private static readonly FactName RetentionFact = new(Hop.Storage, FactKind.RetentionDays);

    private IEnumerable<Rejection> Arrangements(DeploymentSnapshot d, PolicySnapshot policy, RequestShape shape)
    {
        var require = policy.Require;
        foreach (var name in require.Agreements)
        {
            if (InForce(name, d) is null)
                yield return Missing("agreement", "agreement", $"The agreement \"{name}\" does not bind \"{d.FullName}\" now{WhyNot(name, d)}.");
        }
        if (require.Zdr)
        {
            if (catalog.FindModel(d.Model) is { Zdr: false } covered)
                yield return Missing("zdr_model", "zdr", $"{covered.Name} requires {covered.RetentionDays} days of retention wherever it is offered: zero data retention cannot hold. Choose another model with /model.");
            else if (Unarranged(d, ZdrFact, a => a.Zdr, "zero data retention") is { } reason)
                yield return Missing("zdr_deployment", "zdr", reason);
            foreach (var used in Used(shape))
            {
                if (CoversZdr(used))
                    continue;
                yield return new(d, "zdr_feature", $"Zero data retention does not cover {used.Field}. Leave it out.", Rule("zdr"), used.Field);
            }
        }
        if (require.Baa)
        {
            if (Unarranged(d, BaaFact, a => a.Baa, "a BAA") is { } reason)
                yield return Missing("baa_deployment", "baa", reason);
            foreach (var used in Used(shape))
            {
                if (catalog.FindFeature(used.Feature)?.Baa is not (ZdrEligibility.Yes or ZdrEligibility.Qualified))
                    yield return new(d, "baa_feature", $"The BAA does not cover {used.Field}. Leave it out.", Rule("baa"), used.Field);
            }
        }
        if (require.MaxRetentionDays is { } most)
        {
            var days = Unarranged(d, ZdrFact, a => a.Zdr, "") is null && catalog.FindModel(d.Model)?.Zdr != false ? 0
                : Settled(d.Boundary[RetentionFact], d) ? d.Boundary[RetentionFact].Days
                : null;
            if (days is null || days > most)
                yield return Missing("retention", "max_retention_days", $"{Says(d, RetentionFact)}; policy allows {most} days.");
            foreach (var used in Used(shape))
            {
                if (!CoversZdr(used) && (catalog.FindFeature(used.Feature)?.RetentionDays is not { } kept || kept > most))
                    yield return new(d, "retention_feature", $"{used.Field} is kept by the provider for longer than the {most} days that policy allows. Leave it out.", Rule("max_retention_days"), used.Field);
            }
        }

        Rejection Missing(string code, string key, string message) => new(d, code, message, Rule(key));

        string Rule(string key) => $"{policy.Place}.require.{key}";
    }

    private static IEnumerable<Rejection> Features(DeploymentSnapshot d, PolicySnapshot policy, RequestShape shape)
    {
        foreach (var used in Used(shape))
        {
            if (Array.IndexOf(policy.Deny.Features, used.Feature) >= 0)
                yield return new(d, "feature_denied", $"Policy denies {used.Field}. Leave it out.", $"{policy.Place}.deny.features", used.Field);
            if (used.Sends && policy.Require.AsksOfBoundary && Array.IndexOf(policy.Require.ThirdParties, used.Feature) < 0)
                yield return new(
                    d, "third_party", $"{used.Field} sends content on to others, of whose boundary nothing is known. Leave it out, or ask your administrator to allow it under require.third_parties.",
                    $"{policy.Place}.require", used.Field);
        }
    }

    private static IEnumerable<RequestFeature> Used(RequestShape shape) => RequestFeature.All.Where(f => (shape.Fields & f.Flag) != 0);

    private bool CoversZdr(RequestFeature used) =>
        catalog.FindFeature(used.Feature)?.Zdr is ZdrEligibility.Yes or ZdrEligibility.Qualified;

    /// <summary>Why an arrangement does not hold for the deployment; null when it does.</summary>
    private string? Unarranged(DeploymentSnapshot d, FactName name, Func<AgreementSnapshot, Addendum?> addendum, string what)
    {
        var fact = d.Boundary[name];
        if (!Settled(fact, d))
            return $"{Says(d, name)}.";
        if (fact.Value == "default")
            return null;
        if (fact.Value == "no")
            return $"{what} is not available on {Where(d)}.";
        var processor = d.Boundary[Hop.Storage, FactKind.Processor];
        foreach (var agreed in d.Resource.Agreements)
        {
            if (InForce(agreed, d) is { } agreement && addendum(agreement)?.Holds(now) is true && Settled(processor, d) && processor.Has(agreement.Party))
                return null;
        }
        return fact.Value == "account-setting"
            ? $"{what} on {Where(d)} hangs on a setting of the account: name an agreement with {processor.Text} whose addendum is executed, or declare {name} as default, with the reason."
            : $"No agreement of \"{d.Resource.Name}\" with {processor.Text} has an executed addendum on {what} in force. Describe it under agreements.";
    }

    private AgreementSnapshot? InForce(string name, DeploymentSnapshot d) =>
        Array.IndexOf(d.Resource.Agreements, name) >= 0
        && Array.Find(agreements, a => a.Name == name) is { } agreement && agreement.Holds(now) && agreement.Covers(d)
            ? agreement
            : null;

    private string WhyNot(string name, DeploymentSnapshot d) =>
        Array.IndexOf(d.Resource.Agreements, name) < 0 ? $": the resource \"{d.Resource.Name}\" does not name it"
        : Array.Find(agreements, a => a.Name == name) is not { } agreement ? ": it is not described under agreements"
        : !agreement.Holds(now) ? ": it is not in force"
        : ": its scope does not cover it";
}
