using System.CommandLine;
using System.Globalization;
using Demarc.Control.Resources;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Commands;

/// <summary><c>demarc models outdated</c>: what time has done to the pinned versions.</summary>
internal static class OutdatedCommand
{
    public static Command Create() => new Command("outdated", "Show newer versions and retirement for each deployment and alias").Runs(async context =>
    {
        var snapshot = context.Files.Snapshot;
        if (await context.FindAsync() is { } installation)
            snapshot = snapshot.With(await installation.Store.Aliases.ListAsync(installation.Organization.Id));
        var deployments = snapshot.Resources.SelectMany(r => r.Deployments).Select(d => Row.Of(d.FullName, "deployment", d, snapshot, context.Today));
        var aliases = snapshot.Aliases.SelectMany(a => a.Targets.Concat(a.Staged?.Targets ?? []).Select(t => Row.Of(a.Name, "alias", t.Deployment, snapshot, context.Today)));
        context.Output.List(
            [.. deployments, .. aliases], r => r,
            $"No resource is configured. Add one to {context.Files.Path} under resources.",
            ["name", "model", "status", "retires", "newer here", "newer elsewhere", "warning"],
            r => [r.Kind == "alias" ? $"{r.Name} -> {r.Deployment}" : r.Name, r.Model, r.Status, r.RetiresText, Joined(r.Newer), Joined(r.NewerElsewhere), r.Warning]);
    });

    private static string? Joined(string[] models) => models.Length == 0 ? null : string.Join(", ", models);

    /// <param name="Kind"><c>deployment</c> or <c>alias</c>.</param>
    /// <param name="Newer">Active models of the same line that the platform offers on this hosting, newest first.</param>
    /// <param name="NewerElsewhere">Those that only others offer.</param>
    private sealed record Row(
        string Name, string Kind, string Deployment, string Model, string Status, string? Retirement, bool RetirementNotSooner, string[] Newer, string[] NewerElsewhere, string? Warning)
    {
        internal string? RetiresText => Retirement is null ? null : (RetirementNotSooner ? "not before " : "") + Retirement;

        public static Row Of(string name, string kind, DeploymentSnapshot deployment, GatewaySnapshot snapshot, DateOnly day)
        {
            if (snapshot.Catalog.FindModel(deployment.Model) is not { } model)
                return new(name, kind, deployment.FullName, deployment.Model, "unknown", null, false, [], [], "The catalog does not have this model.");
            var here = ModelReview.Here(snapshot.Catalog, deployment, model);
            return new(
                name, kind, deployment.FullName, model.Id,
                (model.On(deployment.Resource.Platform)?.Status ?? model.Status).ToString().ToLowerInvariant(),
                model.Retirement?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), model.RetirementNotSooner,
                [.. here.Select(m => m.Id)],
                [.. ModelLine.Newer(snapshot.Catalog, model).Except(here).Select(m => m.Id)],
                ModelReview.Warnings(snapshot.Catalog, deployment, day).FirstOrDefault());
        }
    }
}
