using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Policy;

/// <summary>Whether a deployment holds what one policy requires at one time. Pure; every reason comes out, in a stable order.</summary>
internal sealed partial class Eligibility(Catalog catalog, AgreementSnapshot[] agreements, DateTimeOffset now)
{
    /// <summary>Why the deployment cannot take requests of this shape under the policy; nothing when it can.</summary>
    public IEnumerable<Rejection> Of(DeploymentSnapshot d, string asked, PolicySnapshot policy, RequestShape shape)
    {
        var reasons = Denied(d, asked, policy).Concat(Listed(d, asked, policy));
        if (!policy.Require.IsEmpty)
            reasons = reasons.Concat(DataPath(d, policy, shape)).Concat(Arrangements(d, policy, shape));
        if (shape.Fields != Wire.BoundaryFields.None)
            reasons = reasons.Concat(Features(d, policy, shape));
        return reasons;
    }

    /// <summary>What the platform itself lacks for requests of this shape, whatever the policies say.</summary>
    public IEnumerable<Rejection> Lacks(DeploymentSnapshot d, RequestShape shape)
    {
        if (shape.InferenceGeo is { } asked && TakesGeo(d) && d.Boundary[Hop.Inference, FactKind.Geography] is { Value: { } zone } && d.Scope == $"data-zone:{zone}" && zone != asked)
            yield return new(d, "feature_unavailable", $"inference_geo: \"{d.FullName}\" runs in \"{zone}\" only. Leave inference_geo out, or ask for another deployment.", null, "inference_geo");
        foreach (var used in RequestFeature.All)
        {
            if ((shape.Fields & used.Flag) == 0 || !used.NeedsPlatform || catalog.FindFeature(used.Feature) is not { } feature)
                continue;
            if (feature.On(d.Resource.Platform, d.Hosting) == Availability.No)
                yield return new(d, "feature_unavailable", $"{feature.Name} is not available on {Where(d)}. Leave {used.Field} out, or ask for another deployment.", null, used.Field);
        }
    }

    private IEnumerable<Rejection> Denied(DeploymentSnapshot d, string asked, PolicySnapshot policy)
    {
        var deny = policy.Deny;
        if (deny.IsEmpty)
            yield break;
        if (deny.Models.Length > 0 && Names(deny.Models, d, asked))
            yield return new(d, "model_denied", "Policy denies this model. Choose another with /model, or ask your administrator.", Rule("models"));
        if (Array.IndexOf(deny.Resources, d.Resource.Name) >= 0)
            yield return new(d, "resource_denied", $"Policy denies the resource \"{d.Resource.Name}\".", Rule("resources"));
        if (Array.IndexOf(deny.Platform, d.Resource.Platform.Wire()) >= 0)
            yield return new(d, "platform_denied", $"Policy denies the platform {d.Resource.Platform.Wire()}.", Rule("platform"));
        if (Array.IndexOf(deny.Hosting, d.Hosting.Wire()) >= 0)
            yield return new(d, "hosting_denied", $"Policy denies hosting by {d.Hosting.Wire()}.", Rule("hosting"));
        if (deny.Processor.Length > 0 && Parties(d, FactKind.Processor, p => Array.IndexOf(deny.Processor, p) < 0) is { } processor)
            yield return new(d, "processor_denied", $"{processor.Name} is {processor.Fact.Text}, which policy denies.", Rule("processor"));
        if (deny.Operator.Length > 0 && Parties(d, FactKind.Operator, p => Array.IndexOf(deny.Operator, p) < 0) is { } operated)
            yield return new(d, "operator_denied", $"{operated.Name} is {operated.Fact.Text}, which policy denies.", Rule("operator"));
        var inference = d.Boundary[Hop.Inference, FactKind.Geography];
        if (deny.Inference.Length > 0 && !(Settled(inference, d) && Array.TrueForAll(inference.Values, place => Array.TrueForAll(deny.Inference, denied => Apart(place, denied)))))
            yield return new(d, "inference_denied", $"Inference runs in {inference.Text}; policy denies {string.Join(", ", deny.Inference)}.", Rule("inference"));

        string Rule(string key) => $"{policy.Place}.deny.{key}";
    }

    private IEnumerable<Rejection> Listed(DeploymentSnapshot d, string asked, PolicySnapshot policy)
    {
        if (policy.Models is { } models && !Names(models, d, asked))
            yield return new(
                d, "model_not_allowed",
                $"Policy does not allow the model \"{asked}\" for you. Allowed: {string.Join(", ", models)}. Choose one with /model, or ask your administrator.",
                $"{policy.Place}.models");
    }

    private IEnumerable<Rejection> DataPath(DeploymentSnapshot d, PolicySnapshot policy, RequestShape shape)
    {
        var require = policy.Require;
        if (require.Platform is { } platforms && Array.IndexOf(platforms, d.Resource.Platform.Wire()) < 0)
            yield return Missing("platform", "platform", $"The platform is {d.Resource.Platform.Wire()}", platforms);
        if (require.Hosting is { } hostings && Array.IndexOf(hostings, d.Hosting.Wire()) < 0)
            yield return Missing("hosting", "hosting", $"Inference is hosted by {d.Hosting.Wire()}", hostings);
        if (require.Seller is { } sellers && !Holds(d, new(Hop.Inference, FactKind.Seller), p => Array.IndexOf(sellers, p) >= 0))
            yield return Missing("seller", "seller", Says(d, new(Hop.Inference, FactKind.Seller)), sellers);
        if (require.Processor is { } processors && Parties(d, FactKind.Processor, p => Array.IndexOf(processors, p) >= 0) is { } processor)
            yield return Missing("processor", "processor", Says(d, processor.Name), processors);
        if (require.Operator is { } operators && Parties(d, FactKind.Operator, p => Array.IndexOf(operators, p) >= 0) is { } operated)
            yield return Missing("operator", "operator", Says(d, operated.Name), operators);
        if (require.Inference is { } geographies && !InferenceWithin(d, geographies, shape))
            yield return Missing("inference_geography", "inference", shape.InferenceGeo is { } geo ? $"The request asks for inference_geo \"{geo}\"; {Says(d, new(Hop.Inference, FactKind.Geography))}" : Says(d, new(Hop.Inference, FactKind.Geography)), geographies);
        if (require.AtRest is { } places && !Holds(d, new(Hop.Storage, FactKind.Geography), p => Array.Exists(places, allowed => Geography.IsWithin(p, allowed))))
            yield return Missing("data_at_rest", "at_rest", Says(d, new(Hop.Storage, FactKind.Geography)), places);
        if (require.HumanAccess is { } most && !Holds(d, new(Hop.Review, FactKind.HumanAccess), v => v == "none" || v == most))
            yield return Missing("human_access", "human_access", Says(d, new(Hop.Review, FactKind.HumanAccess)), [most]);
        foreach (var feature in require.Features)
        {
            if (catalog.FindFeature(feature)?.On(d.Resource.Platform, d.Hosting) is null or Availability.No)
                yield return new(d, "feature_missing", $"{catalog.FindFeature(feature)?.Name ?? feature} is not available on {Where(d)}, and policy requires it.", $"{policy.Place}.require.features");
        }

        Rejection Missing(string code, string key, string says, string[] wanted) =>
            new(d, code, $"{says}; policy requires {string.Join(" or ", wanted)}.", $"{policy.Place}.require.{key}");
    }

    private bool InferenceWithin(DeploymentSnapshot d, string[] allowed, RequestShape shape)
    {
        // Where the platform takes inference_geo, the request's word holds over the deployment's scope.
        if (shape.InferenceGeo is { } geo && TakesGeo(d))
            return Array.Exists(allowed, a => Geography.IsWithin(geo, a));
        return Holds(d, new(Hop.Inference, FactKind.Geography), p => Array.Exists(allowed, a => Geography.IsWithin(p, a)));
    }

    private bool TakesGeo(DeploymentSnapshot d) => catalog.FindFeature("inference-geo")?.On(d.Resource.Platform, d.Hosting) is Availability.Yes;

    private bool Names(string[] names, DeploymentSnapshot d, string asked)
    {
        if (Array.IndexOf(names, asked) >= 0)
            return true;
        var model = catalog.FindModel(d.Model);
        return Array.Exists(names, n => n == d.Model || n == d.Name || n == d.FullName || (model is not null && ReferenceEquals(catalog.FindModel(n), model)));
    }

    // The first hop that handles content and whose parties are not all accepted. Review counts where somebody reviews.
    private (FactName Name, Fact Fact)? Parties(DeploymentSnapshot d, FactKind kind, Predicate<string> accepted)
    {
        foreach (var hop in new[] { Hop.Inference, Hop.Storage, Hop.Review })
        {
            if (hop == Hop.Review && d.Boundary[hop, FactKind.HumanAccess] is { Value: "none" } none && Settled(none, d))
                continue;
            var name = new FactName(hop, kind);
            if (!Holds(d, name, accepted))
                return (name, d.Boundary[name]);
        }
        return null;
    }

    private bool Holds(DeploymentSnapshot d, FactName name, Predicate<string> accepted)
    {
        var fact = d.Boundary[name];
        return Settled(fact, d) && fact.Values.Length > 0 && Array.TrueForAll(fact.Values, accepted);
    }

    // Two places are apart when neither lies within the other.
    private static bool Apart(string place, string denied) =>
        place != Geography.Anywhere && !Geography.IsWithin(place, denied) && !denied.StartsWith(place + "/", StringComparison.Ordinal);

    /// <summary>
    /// True when a requirement may rest on the fact: it is known and undisputed, or declared; a declaration lapses with
    /// the agreement it names, and one on what sources dispute needs an agreement to stand on.
    /// </summary>
    private bool Settled(Fact fact, DeploymentSnapshot d)
    {
        if (!fact.IsSettled)
            return false;
        if (fact.Status != FactStatus.Declared)
            return true;
        return fact.Declaration!.Agreement is { } name ? InForce(name, d) is not null : fact.Statements.Length < 2;
    }

    private string Says(DeploymentSnapshot d, FactName name)
    {
        var fact = d.Boundary[name];
        return fact.Status switch
        {
            FactStatus.Unknown => $"{name} of \"{d.FullName}\" is not known: declare it under facts, with a reason",
            FactStatus.Disputed => $"{name} of \"{d.FullName}\" is disputed ({fact.Text}): declare it under facts, with the agreement that settles it",
            FactStatus.Declared when !Settled(fact, d) => $"{name} of \"{d.FullName}\" is declared as {fact.Text}, but its agreement is not in force",
            _ => $"{name} of \"{d.FullName}\" is {fact.Text}",
        };
    }

    private static string Where(DeploymentSnapshot d) => $"{d.Resource.Platform.Wire()} hosted by {d.Hosting.Wire()} (\"{d.FullName}\")";
}
