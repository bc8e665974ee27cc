using System.CommandLine;
using Demarc.Governance.Boundaries;

namespace Demarc.Commands;

/// <summary><c>demarc resource</c>.</summary>
internal static class ResourceCommands
{
    public static Command Create() => new("resource", "Resources and their deployments, as configured") { List(), ResourceVerifyCommand.Create(), ResourceImportCommand.Create() };

    private static Command List() => new Command("list", "List every deployment with its resource").Runs(context =>
    {
        context.Output.List(
            [.. context.Files.Snapshot.Resources.SelectMany(r => r.Deployments)],
            d => new
            {
                Resource = d.Resource.Name,
                Platform = d.Resource.Platform.Wire(),
                d.Resource.Endpoint,
                d.Resource.Region,
                d.Resource.Agreements,
                Deployment = d.Name,
                d.Model,
                d.Scope,
                Hosting = d.Hosting.Wire(),
            },
            $"No resource is configured. Add one to {context.Files.Path} under resources.",
            ["resource", "platform", "region", "deployment", "model", "scope", "hosting"],
            d => [d.Resource.Name, d.Resource.Platform.Wire(), d.Resource.Region, d.Name, d.Model, d.Scope, d.Hosting.Wire()]);
        return Task.CompletedTask;
    });
}
