using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Control.Resources;

/// <summary>What time does to pinned models: retirement, warned of 60 days ahead, and newer versions.</summary>
public static class ModelReview
{
    /// <summary>Warnings of retirement, with what could take over, a line for each deployment that they concern.</summary>
    public static IEnumerable<ConfigProblem> Of(DemarcConfig config, GatewaySnapshot snapshot, DateOnly day) =>
        from resource in snapshot.Resources.Zip(config.Resources).Index()
        from deployment in resource.Item.First.Deployments.Zip(resource.Item.Second.Deployments).Index()
        from warning in Warnings(snapshot.Catalog, deployment.Item.First, day)
        select new ConfigProblem(
            $"resources[{resource.Index}].deployments[{deployment.Index}].model", deployment.Item.Second.Line, 1, ConfigSeverity.Warning,
            $"{deployment.Item.First.FullName}: {warning}");

    /// <summary>The same by model, for those who may not know what is deployed where.</summary>
    public static string[] Deployed(GatewaySnapshot snapshot, DateOnly day)
    {
        var models = snapshot.Resources.SelectMany(r => r.Deployments).Select(d => snapshot.Catalog.FindModel(d.Model)?.Id).ToHashSet();
        return [.. snapshot.Catalog.Warnings(day).Where(w => IsOfRetirement(w) && models.Contains(w.Subject)).Select(w => w.Text)];
    }

    /// <summary>Warnings of the day about the model of a deployment; none while all is well.</summary>
    public static IEnumerable<string> Warnings(Catalog catalog, DeploymentSnapshot deployment, DateOnly day)
    {
        if (catalog.FindModel(deployment.Model) is not { } model)
            yield break;
        foreach (var warning in catalog.Warnings(day).Where(w => w.Subject == model.Id && IsOfRetirement(w)))
        {
            var next = Here(catalog, deployment, model);
            yield return next.Length > 0 ? $"{warning.Text} Newer, on the same platform and hosting: {string.Join(", ", next.Select(m => m.Id))}." : warning.Text;
        }
    }

    public static bool IsOfRetirement(CatalogWarning warning) => warning.Code is "model_retired" or "model_retiring";

    /// <summary>Newer models of the same line that the deployment's platform offers on its hosting, newest first.</summary>
    public static CatalogModel[] Here(Catalog catalog, DeploymentSnapshot deployment, CatalogModel model) =>
        [.. ModelLine.Newer(catalog, model).Where(m => m.On(deployment.Resource.Platform) is { Status: ModelStatus.Active } offer && offer.Hostings.Contains(deployment.Hosting))];
}
