using System.CommandLine;
using System.Globalization;
using Demarc.Control.Resources;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Upstreams;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Commands;

/// <summary><c>demarc where</c>: where requests run, what is known of it and how, and what the policies make of it.</summary>
internal static class WhereCommand
{
    private static readonly (string Title, FactName Fact)[] Columns =
    [
        ("edge", new(Hop.Edge, FactKind.Operator)),
        ("processor", new(Hop.Inference, FactKind.Processor)),
        ("inference", new(Hop.Inference, FactKind.Geography)),
        ("at rest", new(Hop.Storage, FactKind.Geography)),
        ("days kept", new(Hop.Storage, FactKind.RetentionDays)),
        ("zdr", new(Hop.Storage, FactKind.Zdr)),
        ("baa", new(Hop.Storage, FactKind.Baa)),
        ("people see", new(Hop.Review, FactKind.HumanAccess)),
    ];

    public static Command Create()
    {
        var deployment = new Argument<string>("DEPLOYMENT") { Description = "RESOURCE/DEPLOYMENT, for every fact of its data path with source and date", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "" };
        var person = new Option<string?>("--as") { Description = "An e-mail address, or a user's or service account's id or name: show what the policies decide for them" };
        var model = new Option<string?>("--model") { Description = "The name asked for, with --as" };
        var project = new Option<string?>("--project") { Description = "The project that it is asked for, with --as" };
        return new Command("where", "Show each deployment's data path, and with --as and --model the decision") { deployment, person, model, project }.Runs(async context =>
        {
            if ((context.Get(person) is null) != (context.Get(model) is null))
                throw new CommandException("--as and --model go together: demarc where --as PERSON --model NAME");
            if (context.Get(project) is not null && context.Get(person) is null)
                throw new CommandException("--project goes with --as: demarc where --as PERSON --model NAME --project PROJECT");
            if (context.Get(person) is { } who)
                await DecideAsync(context, who, context.Get(model)!, context.Get(project));
            else if (context.Get(deployment) is { Length: > 0 } name)
                Facts(context, Find(await context.CheckedSnapshotAsync(), name));
            else
                Table(context, await context.CheckedSnapshotAsync());
        });
    }

    private static void Table(CommandContext context, GatewaySnapshot snapshot)
    {
        var deployments = snapshot.Resources.SelectMany(r => r.Deployments).ToArray();
        context.Output.List(
            deployments,
            d => Shape(d, context.Files.Catalog),
            $"No resource is configured. Add one to {context.Files.Path} under resources.",
            ["deployment", "platform", "hosting", "scope", .. Columns.Select(c => c.Title)],
            d => [d.FullName, d.Resource.Platform.Wire(), d.Hosting.Wire(), d.Scope, .. Columns.Select(c => Marked(d.Boundary[c.Fact]))]);
        if (deployments.Length > 0 && !context.Output.IsJson)
            Console.Error.WriteLine("(d) declared by you, (v) verified, (o) observed, (?) disputed; every fact with its source: demarc where RESOURCE/DEPLOYMENT");
        foreach (var d in deployments.Where(d => d.Mismatch is not null && !context.Output.IsJson))
            Console.Error.WriteLine($"{d.FullName} is out of service: {d.Mismatch}.");
    }

    private static void Facts(CommandContext context, DeploymentSnapshot deployment)
    {
        if (context.Output.IsJson)
        {
            context.Output.One(Shape(deployment, context.Files.Catalog));
            return;
        }
        Output.Table(
            ["hop", "fact", "value", "status", "date", "source or reason"],
            deployment.Boundary.Facts.Select(f => new[] { f.Name.Hop.Wire(), f.Name.Kind.Wire(), f.Fact.Text, f.Fact.Status.Wire(), Iso(f.Fact.Date), Why(f.Fact) }));
        if (Earlier(deployment, context.Files.Catalog) is { Length: > 0 } earlier)
        {
            Console.WriteLine();
            Output.Table(
                ["from", "until", "fact", "was", "source"],
                earlier.SelectMany(v => v.Statements.OrderBy(s => s.Key.Hop).ThenBy(s => s.Key.Kind)
                    .Where(s => Fact.Of(s.Value).Text != deployment.Boundary[s.Key].Text)
                    .Select(s => new[] { Iso(v.From), Iso(v.Until), s.Key.ToString(), Fact.Of(s.Value).Text, Sources(s.Value) })));
        }
    }

    private static async Task DecideAsync(CommandContext context, string person, string model, string? project)
    {
        var installation = await context.OpenAsync();
        var principal = await new DirectoryLookup(installation).PrincipalAsync(person);
        if (RequestProject.Enter(ref principal, project) is { } outside)
            throw new CommandException($"{principal.Email ?? principal.Name} would be refused ({outside.Code}): {outside.Message}");
        using var snapshots = new Snapshots(installation.Store, installation.Organization.Id, context.Files.Snapshot, NullLogger<Snapshots>.Instance);
        await snapshots.RefreshAsync();
        var snapshot = snapshots.Current;
        var health = new UpstreamHealth(context.Time, new RateSharing(null, context.Time));
        using var addresses = new AddressWatch(snapshots, health, context.Time);
        if (snapshot.Policies.Any(p => p.Require.PrivateNetwork))
            await addresses.LookAsync(snapshot, CancellationToken.None);

        var now = context.Time.GetUtcNow();
        var decision = Decision.Decide(snapshot, principal, null, model, now, health: health.View);
        var explained = Explanation.Of(snapshot, principal, null, model, now, health: health.View);
        var rows = explained.Select(e => new Row(e.Deployment, Array.IndexOf(decision.Plan, e.Deployment), e.Reasons)).ToArray();
        context.Output.One(
            new
            {
                As = principal.Email ?? principal.Name,
                principal.Groups,
                Project = principal.Project?.Name,
                Workspace = principal.Workspace?.Name,
                Model = model,
                Policies = snapshot.Policies.Where(p => p.Matches(principal)).Select(p => p.Place),
                Plan = decision.Plan.Select(d => d.FullName),
                Refusal = decision.Refusal is { } r ? new { r.Code, r.Message, r.Rule } : null,
                Deployments = rows.Select(r => new
                {
                    Deployment = r.Deployment.FullName,
                    Asked = r.Place < 0 ? (int?)null : r.Place + 1,
                    Reasons = r.Reasons.Select(x => new { x.Code, x.Message, x.Rule }),
                    OutOfReach = r.Place < 0 && r.Reasons.Length == 0,
                }),
            },
            ("as", $"{principal.Email ?? principal.Name}{(principal.Groups.Length > 0 ? $" ({string.Join(", ", principal.Groups)})" : "")}"),
            ("project", principal.Project is { } p ? $"{p.Name}{(p.Classification is { } c ? $" ({c})" : "")}{(p.Workspace is { } w ? $" in {w.Name}" : "")}" : null),
            ("policies", snapshot.Policies.Where(x => x.Matches(principal)).Select(x => x.Place) is var matched && matched.Any() ? string.Join(", ", matched) : "none"),
            ("decision", decision.Refusal is { } refusal ? $"refused ({refusal.Code}): {refusal.Message}" : $"sent to {decision.Plan[0].FullName}"));
        if (context.Output.IsJson || rows.Length == 0)
            return;
        Console.WriteLine();
        Output.Table(["deployment", "asked", "code", "rule", "reason"], rows.SelectMany(Lines));
    }

    private sealed record Row(DeploymentSnapshot Deployment, int Place, Rejection[] Reasons);

    private static IEnumerable<string?[]> Lines(Row row)
    {
        var name = row.Deployment.FullName;
        if (row.Place >= 0)
            return [[name, (row.Place + 1).ToString(CultureInfo.InvariantCulture), null, null, null]];
        return row.Reasons.Length == 0
            ? [[name, "no", "failover", null, "Failover from the first choice does not go there: see failover of the alias."]]
            : row.Reasons.Select(r => new[] { name, "no", r.Code, r.Rule, r.Message });
    }

    private static DeploymentSnapshot Find(GatewaySnapshot snapshot, string name)
    {
        var all = snapshot.Resources.SelectMany(r => r.Deployments).ToArray();
        return Array.Find(all, d => d.FullName == name)
            ?? throw new CommandException($"There is no deployment {name}. {(all.Length == 0 ? "No resource is configured." : $"There are: {string.Join(", ", all.Select(d => d.FullName))}.")}");
    }

    private static object Shape(DeploymentSnapshot d, Catalog catalog) => new
    {
        Deployment = d.FullName,
        Platform = d.Resource.Platform.Wire(),
        Hosting = d.Hosting.Wire(),
        d.Scope,
        d.Resource.Region,
        d.Model,
        d.Resource.Agreements,
        OutOfService = d.Mismatch,
        Hops = Enum.GetValues<Hop>().Select(hop => new
        {
            Hop = hop.Wire(),
            Facts = FactKinds.Of(hop).Select(kind => FactShape(kind.Wire(), d.Boundary[hop, kind])),
        }),
        Unavailable = catalog.Features.Where(f => f.On(d.Resource.Platform, d.Hosting) == Availability.No).Select(f => f.Id),
        Earlier = Earlier(d, catalog).Select(v => new { v.From, v.Until, Facts = v.Statements.OrderBy(s => s.Key.Hop).ThenBy(s => s.Key.Kind).Select(s => FactShape(s.Key.ToString(), Fact.Of(s.Value))) }),
    };

    private static object FactShape(string name, Fact fact) => new
    {
        Fact = name,
        fact.Values,
        Status = fact.Status.Wire(),
        fact.Date,
        Source = fact.Check?.Source,
        Reason = fact.Declaration?.Reason,
        Agreement = fact.Declaration?.Agreement,
        Place = fact.Declaration?.Place,
        Statements = fact.Statements.Select(s => new { s.Values, Sources = s.Sources.Select(x => new { x.Id, x.Title, x.Url, x.Date, x.Seen }) }),
    };

    private static CatalogView[] Earlier(DeploymentSnapshot d, Catalog catalog) =>
        [.. (catalog.PlatformOf(d.Resource.Platform).On(d.Hosting)?.Views ?? []).Where(v => v.Until is not null)];

    private static string Marked(Fact fact) => fact.Text + fact.Status switch
    {
        FactStatus.Declared => " (d)",
        FactStatus.Verified => " (v)",
        FactStatus.Observed => " (o)",
        FactStatus.Disputed => " (?)",
        _ => "",
    };

    private static string? Why(Fact fact) =>
        fact.Check is { } check ? check.Source
        : fact.Declaration is { } word
            ? $"{word.Reason} ({word.Place}{(word.Agreement is { } a ? $", {a}" : "")}{(fact.Statements.Length > 0 ? $"; the catalog says {Fact.Of(fact.Statements).Text}" : "")})"
            : fact.Statements.Length == 0 ? null : Sources(fact.Statements);

    private static string Sources(FactStatement[] statements) => statements.Length == 1
        ? string.Join("; ", statements[0].Sources.Select(s => $"{s.Title}, {Iso(s.Date)}"))
        : string.Join(" — ", statements.Select(s => $"{string.Join('+', s.Values)}: {string.Join("; ", s.Sources.Select(x => $"{x.Title}, {Iso(x.Date)}"))}"));

    private static string? Iso(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
