using Demarc.Governance.Boundaries;
using Demarc.Governance.Spend;

namespace Demarc.Control.Resources;

/// <summary>One thing that can be compared between deployments.</summary>
/// <param name="Group"><c>deployment</c>, <c>boundary</c>, <c>price</c> or <c>feature</c>.</param>
/// <param name="Name">For example <c>inference.geography</c>.</param>
public sealed record DeploymentFact(string Group, string Name, string Value);

/// <summary>All that is to be compared where an alias moves from one deployment to another.</summary>
public static class DeploymentFacts
{
    public static IEnumerable<DeploymentFact> Of(DeploymentSnapshot deployment, Catalog catalog, DateOnly day)
    {
        var resource = deployment.Resource;
        var model = catalog.FindModel(deployment.Model);
        return
        [
            new("deployment", "model", model?.Id ?? deployment.Model),
            new("deployment", "model status", $"{model?.Status ?? ModelStatus.Unknown}".ToLowerInvariant()),
            new("deployment", "retires", Retires(model)),
            new("deployment", "context window", Count(model?.ContextWindow)),
            new("deployment", "longest answer", Count(model?.MaxOutput)),
            new("deployment", "platform", resource.Platform.Wire()),
            new("deployment", "hosting", deployment.Hosting.Wire()),
            new("deployment", "scope", deployment.Scope),
            new("deployment", "region", resource.Region ?? "none"),
            new("deployment", "agreements", resource.Agreements.Length == 0 ? "none" : string.Join("+", resource.Agreements)),
            .. deployment.Boundary.Facts.Select(f => new DeploymentFact("boundary", f.Name.ToString(), Text(f.Fact))),
            .. Price(deployment, catalog, day),
            .. catalog.Features.Select(f => new DeploymentFact("feature", f.Id, f.On(resource.Platform, deployment.Hosting).ToString().ToLowerInvariant())),
        ];
    }

    private static IEnumerable<DeploymentFact> Price(DeploymentSnapshot deployment, Catalog catalog, DateOnly day)
    {
        var terms = CallTerms.Of(catalog, deployment, day);
        var (price, source) = (terms.PriceOf(deployment.Model), terms.Cost(deployment.Model, default).Source);
        var perMille = terms.ScopePerMille(deployment.Model);
        var note = source switch
        {
            PriceSource.Fallback => " (not in the catalog: the dearest known)",
            PriceSource.Negotiated => " (negotiated)",
            _ => "",
        };
        return
        [
            Usd("input USD per million", price.Input),
            Usd("output USD per million", price.Output),
            Usd("cache read USD per million", price.CacheRead),
            Usd("cache write USD per million", price.CacheWrite5m),
        ];

        DeploymentFact Usd(string name, long nano) => new("price", name, NanoDollars.Format(nano * perMille / 1000) + note);
    }

    private static string Retires(CatalogModel? model) =>
        model?.Retirement is { } day ? $"{(model.RetirementNotSooner ? "not before " : "")}{day:yyyy-MM-dd}" : "no date known";

    private static string Count(long? tokens) => tokens is { } count ? $"{count} tokens" : "unknown";

    private static string Text(Fact fact) => fact.Status switch
    {
        FactStatus.Catalog or FactStatus.Unknown => fact.Text,
        _ => $"{fact.Text} ({fact.Status.ToString().ToLowerInvariant()})",
    };
}
