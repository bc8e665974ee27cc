using System.CommandLine;
using Demarc.Governance.Boundaries;
using Demarc.Proxy.Upstreams.Management;
using Demarc.Serving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Commands;

/// <summary><c>demarc resource verify</c>: what the platforms themselves say of the deployments.</summary>
internal static class ResourceVerifyCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "A resource, or RESOURCE/DEPLOYMENT; every one that can be verified when left out", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "" };
        var accept = new Option<string?>("--accept") { Description = "Put the named deployment back into service without asking its platform, with the reason" };
        return new Command("verify", "Compare deployments with their platforms' management APIs; a mismatch takes one out of service") { name, accept }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var declared = context.Files.Snapshot;
            var chosen = Choose(declared.Resources, context.Get(name));
            if (context.Get(accept) is { } reason)
            {
                await AcceptAsync(context, installation, chosen, reason);
                return;
            }
            using var management = new ManagementClient(context.Time, NullLogger<ManagementClient>.Instance);
            var verifier = new Verifier(installation.Store, installation.Organization.Id, management, context.Time, NullLogger.Instance);
            var outcomes = new List<Verified>();
            foreach (var deployment in chosen)
                outcomes.Add(await verifier.VerifyAsync(deployment, declared.Catalog, context.Actor, CancellationToken.None));
            Print(context, outcomes);
        });
    }

    private static DeploymentSnapshot[] Choose(ResourceSnapshot[] resources, string name)
    {
        var all = resources.SelectMany(r => r.Deployments).ToArray();
        if (name.Length > 0)
        {
            var named = Array.FindAll(all, d => d.Resource.Name == name || d.FullName == name);
            return named.Length > 0 ? named : throw new CommandException($"There is no resource or deployment {name}. See: demarc resource list");
        }
        var checkable = Array.FindAll(all, d => ManagementClient.CanCheck(d.Resource));
        return checkable.Length > 0 ? checkable : throw new CommandException("No resource can be verified: Foundry's need management: { subscription, resource_group, account }; Anthropic's own platform has no management API for it.");
    }

    private static async Task AcceptAsync(CommandContext context, Installation installation, DeploymentSnapshot[] chosen, string reason)
    {
        if (chosen is not [var deployment])
            throw new CommandException("--accept goes with one deployment: demarc resource verify RESOURCE/DEPLOYMENT --accept REASON");
        if (string.IsNullOrWhiteSpace(reason))
            throw new CommandException("--accept needs the reason, for those who read the record later.");
        var check = new BoundaryCheck(deployment.FullName, deployment.Declaration, Observed: false, $"{context.Actor.Id}: {reason}", context.Time.GetUtcNow(), []);
        await installation.Store.Boundaries.KeepAsync(installation.Organization.Id, check, context.Actor);
        context.Output.Done(new { Deployment = deployment.FullName, Outcome = "accepted", Reason = reason }, $"{deployment.FullName} is in service as declared ({reason}).");
    }

    private static void Print(CommandContext context, List<Verified> outcomes)
    {
        context.Output.List(
            outcomes,
            o => new
            {
                Deployment = o.Deployment.FullName,
                Outcome = Outcome(o),
                o.Problem,
                o.Check?.Source,
                o.Check?.At,
                Facts = o.Check?.Facts.Select(f => new { Fact = f.Name, f.Declared, f.Found, f.Holds }) ?? [],
            },
            "Nothing to verify.",
            ["deployment", "outcome", "what was found"],
            o => [o.Deployment.FullName, Outcome(o), o.Problem ?? (o.Check!.Holds ? string.Join(", ", o.Check.Facts.Select(f => $"{f.Name} {f.Found}")) : o.Check.Mismatch)]);
        var (mismatched, unread) = (outcomes.Count(o => o.Check is { Holds: false }), outcomes.Count(o => o.Check is null));
        if (mismatched + unread > 0)
            throw new CommandException($"{mismatched} out of service by a mismatch, {unread} could not be verified.");
    }

    private static string Outcome(Verified o) => o.Check is null ? "not verified" : o.Check.Holds ? "verified" : "mismatch";
}
