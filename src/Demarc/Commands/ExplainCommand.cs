using System.CommandLine;
using Demarc.Control.Resources;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Upstreams;
using Demarc.Serving;
using Demarc.Storage.Evidence;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Commands;

/// <summary>
/// <c>demarc explain</c>: what was decided about a request, as the record has it, and what the present policies, catalog and
/// configuration make of the same question. The record keeps no content, so fields of the request are not asked about again.
/// </summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        var request = new Argument<string>("REQUEST_ID") { Description = "As an answer carries it in demarc-request-id" };
        return new Command("explain", "Explain why a request went where it did, or why it was refused") { request }.Runs(async context =>
            await ExplainAsync(context, context.Get(request)));
    }

    private static async Task ExplainAsync(CommandContext context, string requestId)
    {
        var installation = await context.OpenAsync();
        var record = await RequestLookup.FindAsync(installation, requestId);
        using var snapshots = new Snapshots(installation.Store, installation.Organization.Id, context.Files.Snapshot, NullLogger<Snapshots>.Instance);
        await snapshots.RefreshAsync();
        var then = Then.Of(record);
        var health = new UpstreamHealth(context.Time, new RateSharing(null, context.Time));
        using var addresses = new AddressWatch(snapshots, health, context.Time);
        if (snapshots.Current.Policies.Any(p => p.Require.PrivateNetwork))
            await addresses.LookAsync(snapshots.Current, CancellationToken.None);
        var now = await NowAsync(installation, snapshots.Current, then, context.Time.GetUtcNow(), health.View);
        string[] changed = [.. Changed(then.InForce, snapshots.Current)];
        if (context.Output.IsJson)
            context.Output.One(Shape(requestId, record, then, now, changed));
        else
            Print(requestId, record, then, now, changed);
    }

    /// <summary>What the record says.</summary>
    private sealed record Then(ActorRecord Actor, string? Model, string? Resource, ReceiptRecord? InForce, string? Reason, string? Rule, string? Message)
    {
        public string? Workspace { get; init; }

        public string? Project { get; init; }

        public static Then Of(RequestOnRecord record)
        {
            if (record.Begun is { } begun)
                return new(begun.Actor, begun.ModelAsked, begun.Attempt.Resource, begun.Receipt, null, null, null) { Workspace = begun.WorkspaceId, Project = begun.ProjectId };
            var fields = record.Refused!.Fields;
            return new(
                record.Refused.Actor,
                fields.GetValueOrDefault("model"),
                null,
                fields.GetValueOrDefault("policy") is { } policy ? new ReceiptRecord(policy, fields["catalog"]!, fields["configuration"]!) : null,
                fields.GetValueOrDefault("reason"), fields.GetValueOrDefault("rule"), fields.GetValueOrDefault("message"))
            {
                Workspace = fields.GetValueOrDefault("workspace_id"),
                Project = fields.GetValueOrDefault("claude_project_id"),
            };
        }
    }

    /// <summary>What holds at present.</summary>
    private sealed record Now(Principal Principal, string[] Policies, Decision Decision, (DeploymentSnapshot Deployment, Rejection[] Reasons)[] Deployments);

    private static async Task<Now?> NowAsync(Installation installation, GatewaySnapshot snapshot, Then then, DateTimeOffset now, HealthView health)
    {
        if (then.Model is null)
            return null;
        Principal principal;
        try
        {
            principal = await new DirectoryLookup(installation).PrincipalAsync(then.Actor.Id, then.Workspace);
            // Who has left the project asks as one outside of it today.
            RequestProject.Enter(ref principal, then.Project);
        }
        catch (CommandException)
        {
            // Who is gone has no policies: the record alone is left to explain.
            return null;
        }
        var explained = Explanation.Of(snapshot, principal, null, then.Model, now, health: health);
        // A name that only a resource's own path has.
        var resource = explained.Length == 0 ? then.Resource : null;
        if (resource is not null)
            explained = Explanation.Of(snapshot, principal, resource, then.Model, now, health: health);
        return new Now(
            principal, [.. snapshot.Policies.Where(p => p.Matches(principal)).Select(p => p.Place)],
            Decision.Decide(snapshot, principal, resource, then.Model, now, health: health), explained);
    }

    private static IEnumerable<string> Changed(ReceiptRecord? then, GatewaySnapshot now)
    {
        if (then is null)
            yield break;
        if (then.Policy != now.PolicyHash)
            yield return "policy";
        if (then.Catalog != now.Catalog.Hash)
            yield return "catalog";
        if (then.Configuration != now.ConfigurationHash)
            yield return "configuration";
    }

    private static string Basis(Then then, string[] changed) =>
        then.InForce is null ? "The record does not say what was in force; what follows is today's view."
        : changed.Length == 0 ? "Policy, catalog and configuration are those of the request; agreements, groups and aliases are today's."
        : $"Changed since the request: {string.Join(", ", changed)}. What follows is today's view, not that of the request.";

    private static object Shape(string requestId, RequestOnRecord record, Then then, Now? now, string[] changed) => new
    {
        Request = requestId,
        At = DateTimeOffset.FromUnixTimeMilliseconds(record.BegunAt),
        As = then.Actor.Email ?? then.Actor.Id,
        Model = then.Model,
        Recorded = new
        {
            Outcome = record.Refused is not null ? "refused" : record.Finished?.Result ?? "under_way",
            then.Reason,
            then.Rule,
            then.Message,
            Plan = record.Begun?.Plan ?? [],
            Attempts = record.Attempts.Select(a => new { a.Number, Deployment = $"{a.Resource}/{a.Deployment}", a.After, Answered = record.Finished?.Attempt == a.Number }),
            InForce = then.InForce is { } force ? new { force.Policy, force.Catalog, force.Configuration } : null,
        },
        Changed = changed,
        Present = now is null ? null : new
        {
            Basis = Basis(then, changed),
            now.Policies,
            now.Principal.Groups,
            Project = now.Principal.Project?.Name,
            Workspace = now.Principal.Workspace?.Name,
            Plan = now.Decision.Plan.Select(d => d.FullName),
            Refusal = now.Decision.Refusal is { } r ? new { r.Code, r.Message, r.Rule } : null,
            Deployments = now.Deployments.Select(d => new
            {
                Deployment = d.Deployment.FullName,
                Asked = Array.IndexOf(now.Decision.Plan, d.Deployment) is >= 0 and var place ? (int?)place + 1 : null,
                Reasons = d.Reasons.Select(x => new { x.Code, x.Message, x.Rule }),
            }),
        },
    };

    private static void Print(string requestId, RequestOnRecord record, Then then, Now? now, string[] changed)
    {
        var at = Output.Minute(record.BegunAt);
        Console.WriteLine($"{requestId}: {then.Actor.Email ?? then.Actor.Id} asked for {then.Model ?? "nothing that could be read"} at {at}.");
        if (record.Refused is not null)
            Console.WriteLine($"It was refused ({then.Reason}{(then.Rule is { } rule ? $", by {rule}" : "")}): {then.Message}");
        else
            Console.WriteLine($"It was planned for {string.Join(", then ", record.Begun!.Plan)}, and ended as {record.Finished?.Result ?? "still under way"}.");
        foreach (var attempt in record.Attempts)
        {
            var why = attempt.After is { } after ? $"as the one before gave {after}" : "the first of the plan that took it";
            Console.WriteLine($"  {attempt.Number}. {attempt.Resource}/{attempt.Deployment}: {why}{(record.Finished?.Attempt == attempt.Number ? "; it is the one that ended the request" : "")}");
        }
        Console.WriteLine();
        if (now is null)
        {
            Console.WriteLine("The policies of today have nothing to add: the person is gone, or the request named no model.");
            return;
        }
        Console.WriteLine(Basis(then, changed));
        Console.WriteLine($"Policies: {(now.Policies.Length == 0 ? "none" : string.Join(", ", now.Policies))}. {(now.Decision.Refusal is { } refusal ? refusal.Message == then.Message ? "Refused in the same words." : $"Refused ({refusal.Code}): {refusal.Message}" : $"Plan: {string.Join(", ", now.Decision.Plan.Select(d => d.FullName))}.")}");
        if (now.Deployments.Length > 0)
        {
            Console.WriteLine();
            Output.Table(["deployment", "asked", "code", "rule", "reason"], now.Deployments.SelectMany(d => Lines(now.Decision, d.Deployment, d.Reasons)));
        }
    }

    private static IEnumerable<string?[]> Lines(Decision decision, DeploymentSnapshot deployment, Rejection[] reasons) =>
        Array.IndexOf(decision.Plan, deployment) is >= 0 and var place ? [[deployment.FullName, $"{place + 1}", null, null, null]]
        : reasons.Length == 0 ? [[deployment.FullName, "no", "failover", null, "Failover from the first choice does not go there: see failover of the alias."]]
        : reasons.Select(r => new[] { deployment.FullName, "no", r.Code, r.Rule, r.Message });
}
