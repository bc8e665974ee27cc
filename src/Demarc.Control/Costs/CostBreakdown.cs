using Demarc.Control.Reviews;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>A name and what counts to it.</summary>
public sealed record CostRow(string Name, SpendLine Sums);

/// <summary>
/// Adds up spend by what people ask for. A person in two groups counts to both, and a resource under two agreements
/// likewise: such rows overlap, and the total counts everything once.
/// </summary>
public sealed class CostBreakdown
{
    /// <summary>What there is to add up by, in words.</summary>
    public static readonly string[] Ways = ["person", "group", "cost-center", "project", "workspace", "model", "resource", "agreement", "key"];

    private readonly string _by;
    private readonly Func<SpendLine, string[]> _names;

    private CostBreakdown(string by, Func<SpendLine, string[]> names) => (_by, _names) = (by, names);

    /// <summary>What the lines have to tell apart.</summary>
    public SpendDimensions Needs => _by switch
    {
        "person" or "group" or "cost-center" => SpendDimensions.Principal,
        "project" => SpendDimensions.Project,
        "workspace" => SpendDimensions.Workspace,
        "model" => SpendDimensions.Model,
        "key" => SpendDimensions.Key,
        _ => SpendDimensions.Resource,
    };

    /// <summary>Whether rows can overlap.</summary>
    public bool Overlaps => _by is "group" or "agreement";

    /// <param name="by">One of <see cref="Ways"/>.</param>
    /// <param name="resources">Those of the configuration, which name their agreements as they are now.</param>
    public static async Task<CostBreakdown> OfAsync(string by, Store store, string organizationId, ResourceSnapshot[] resources)
    {
        switch (by)
        {
            case "group":
                var groups = await store.Groups.MembershipsAsync(organizationId);
                var ofMember = groups.ToLookup(g => g.MemberId, g => g.Name);
                return new(by, l => Named([.. ofMember[l.PrincipalId!]], "(no group)"));
            case "cost-center":
                var centers = (await store.Users.CostCentersAsync(organizationId)).ToDictionary(c => c.Id, c => c.CostCenter);
                return new(by, l => Named(centers.GetValueOrDefault(l.PrincipalId!) is { } center ? [center] : [], "(no cost center)"));
            case "agreement":
                return new(by, l => Array.Find(resources, r => r.Name == l.Resource) is { } resource
                    ? Named(resource.Agreements, "(no agreement)")
                    : ["(resource no longer configured)"]);
            case "project":
                return new(by, l => [Or(l.ProjectId, "(no project)")]);
            case "workspace":
                return new(by, l => [Or(l.WorkspaceId, "(default workspace)")]);
            case "key":
                return new(by, l => [Or(l.KeyId, "(no key)")]);
            case "person":
                return new(by, l => [l.PrincipalId!]);
            case "model":
                return new(by, l => [l.Model!]);
            default:
                return new(by, l => [l.Resource!]);
        }
    }

    /// <summary>The rows, dearest first; people as reports show them.</summary>
    public CostRow[] Rows(IReadOnlyList<SpendLine> lines, ReportPeople people)
    {
        // Of the people that a row is of, or of all in the report where each row is a person.
        var areFew = _by == "person" && people.AreFew(lines.Select(l => l.PrincipalId!));
        return
        [
            .. lines.SelectMany(l => _names(l).Select(name => (name, l)))
                .GroupBy(p => p.name, p => p.l)
                .Select(g => (Name: Shown(g, areFew, people), Lines: g))
                .GroupBy(r => r.Name, r => r.Lines, (name, same) => (name, Lines: same.SelectMany(l => l)))
                .Select(g => new CostRow(g.name, Total(g.Lines)))
                .OrderByDescending(r => r.Sums.NanoUsd).ThenBy(r => r.Name, StringComparer.Ordinal),
        ];
    }

    private string Shown(IGrouping<string, SpendLine> row, bool areFew, ReportPeople people) => _by switch
    {
        "person" when areFew && !people.IsNamed(row.Key) && row.Key.StartsWith(Ids.User, StringComparison.Ordinal) => people.Few,
        "person" => people.Of(row.Key),
        "group" or "cost-center" when people.AreFew(row.Select(l => l.PrincipalId!)) => people.Few,
        _ => row.Key,
    };

    /// <summary>Everything once.</summary>
    public static SpendLine Total(IEnumerable<SpendLine> lines) => lines.Aggregate(new SpendLine(), (sum, line) => sum + line);

    private static string[] Named(string[] names, string none) => names.Length > 0 ? names : [none];

    private static string Or(string? name, string none) => string.IsNullOrEmpty(name) ? none : name;
}
