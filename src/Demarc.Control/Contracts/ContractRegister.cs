using System.Globalization;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Control.Contracts;

/// <summary>An agreement of the register, and what rests on it.</summary>
/// <param name="Status"><c>in force</c>, <c>not yet</c> or <c>ended</c>.</param>
/// <param name="Zdr">The addendum on zero data retention: <c>in force</c>, <c>not executed</c>, <c>not yet</c>, <c>ended</c>; null for none.</param>
/// <param name="Baa">The business associate agreement, likewise.</param>
/// <param name="Deployments">Those that name it and that its scope covers.</param>
public sealed record RegisteredAgreement(AgreementSnapshot Agreement, string Status, string? Zdr, string? Baa, DeploymentSnapshot[] Deployments);

/// <summary>A party that processes data of a deployment, at one hop of its path.</summary>
/// <param name="Party">For example <c>anthropic</c>.</param>
/// <param name="Geography">Where; <c>unknown</c> where nobody says.</param>
/// <param name="Agreements">Agreements with the party that are in force for the deployment.</param>
public sealed record ProcessorInUse(string Party, Hop Hop, DeploymentSnapshot Deployment, string Geography, AgreementSnapshot[] Agreements);

/// <summary>The agreements that the configuration describes and the processors that its deployments use, as of an instant.</summary>
public sealed class ContractRegister
{
    private ContractRegister(string organization, DateTimeOffset at, RegisteredAgreement[] agreements, ProcessorInUse[] processors) =>
        (Organization, At, Agreements, Processors) = (organization, at, agreements, processors);

    public string Organization { get; }

    public DateTimeOffset At { get; }

    public RegisteredAgreement[] Agreements { get; }

    public ProcessorInUse[] Processors { get; }

    /// <summary>Processors without an agreement in force.</summary>
    public IEnumerable<ProcessorInUse> Uncovered => Processors.Where(p => p.Agreements.Length == 0);

    public static ContractRegister Of(string organization, GatewaySnapshot snapshot, DateTimeOffset now)
    {
        var deployments = snapshot.Resources.SelectMany(r => r.Deployments).ToArray();
        return new ContractRegister(
            organization,
            now,
            [.. snapshot.Agreements.Select(a => new RegisteredAgreement(
                a, State(a.From, a.Until, now), Addendum(a.Zdr, now), Addendum(a.Baa, now), [.. deployments.Where(d => d.Resource.Agreements.Contains(a.Name) && a.Covers(d))]))],
            [.. from d in deployments
                from hop in Enum.GetValues<Hop>()
                where FactKinds.Of(hop).Contains(FactKind.Processor)
                let processor = d.Boundary[hop, FactKind.Processor]
                from party in processor.IsSettled ? processor.Values : [processor.Text]
                where processor.Status != FactStatus.Unknown || hop is Hop.Inference or Hop.Storage
                select new ProcessorInUse(
                    party, hop, d, d.Boundary[hop, FactKind.Geography].Text,
                    [.. snapshot.Agreements.Where(a => a.Party == party && d.Resource.Agreements.Contains(a.Name) && a.Covers(d) && a.Holds(now))])]);
    }

    /// <summary>The register itself.</summary>
    public NamedTable Table() => new(
        "agreements",
        ["name", "party", "category", "scope", "from", "until", "status", "zdr", "baa", "terms", "accepted", "by", "deployments"],
        [.. Agreements.Select(r => new[]
        {
            r.Agreement.Name, r.Agreement.Party, r.Agreement.Category ?? "", r.Agreement.Scope.Length == 0 ? "everything" : string.Join(" ", r.Agreement.Scope),
            Day(r.Agreement.From), Day(r.Agreement.Until), r.Status, r.Zdr ?? "", r.Baa ?? "", r.Agreement.Terms ?? "",
            r.Agreement.Accepted?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "", r.Agreement.AcceptedBy ?? "",
            string.Join(" ", r.Deployments.Select(d => d.FullName)),
        })]);

    /// <summary>The first day, as <c>2026-02-01</c>; empty for none.</summary>
    internal static string Day(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "";

    private static string? Addendum(Addendum? addendum, DateTimeOffset now) =>
        addendum is null ? null : addendum.From is null ? "not executed" : State(addendum.From, addendum.Until, now);

    private static string State(DateTimeOffset? from, DateTimeOffset? until, DateTimeOffset now) =>
        until <= now ? "ended" : from > now ? "not yet" : "in force";
}
