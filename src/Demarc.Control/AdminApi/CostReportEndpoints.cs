using System.Globalization;
using Demarc.Control.Compliance;
using Demarc.Control.Costs;
using Demarc.Governance;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Control.AdminApi;

/// <summary><c>/v1/organizations/cost_report</c> (Admin API, "Get Cost Report").</summary>
public sealed class CostReportEndpoints(Store store, ISnapshotSource snapshots, PageTokens tokens, TimeProvider time)
{
    // 1 cent is 10^7 nano-dollars.
    private const decimal NanoPerCent = 10_000_000m;

    /// <summary>Days of cost in US cents, oldest first, with those on which nothing was spent.</summary>
    public async Task<AdminAnswer> GetAsync(AdminRequest request)
    {
        var query = new ComplianceQuery(request.Http.Query, ReportQuery.Once, "group_by");
        var groups = query.Among("group_by", "description", "workspace_id");
        var page = ReportQuery.Page(query, ReportQuery.Listing("cost_report", request), tokens, time.GetUtcNow(), "1d");
        if (page is null)
            return query.Problem!;

        var (described, byWorkspace) = (groups.Contains("description"), groups.Contains("workspace_id"));
        var by = (byWorkspace ? SpendDimensions.Workspace : SpendDimensions.None)
            | (described ? SpendDimensions.Resource | SpendDimensions.Model | SpendDimensions.ServiceTier | SpendDimensions.Speed | SpendDimensions.InferenceGeo | SpendDimensions.ContextWindow : SpendDimensions.None);
        var lines = page.From == page.To ? [] : await store.Spend.ListAsync(new SpendQuery(request.OrganizationId, page.From, page.To, page.Bucket) { By = by });
        var executions = await CodeExecution.ByDayAsync(store, request.OrganizationId, snapshots.Current.Catalog, page.From, page.To);
        var byTime = lines.ToLookup(l => l.At);
        return page.Answer(start =>
        {
            var items = byTime[start.ToUnixTimeMilliseconds()]
                .SelectMany(line => Items(line, described, snapshots.Current, DateOnly.FromDateTime(start.UtcDateTime)));
            if (executions.GetValueOrDefault(start) is > 0 and var nano)
                items = items.Append(new Item { Nano = nano, CostType = "code_execution", Description = "Code Execution Usage" });
            return items.GroupBy(i => described ? i with { Nano = 0 } : new Item { WorkspaceId = i.WorkspaceId })
                .Select(g => (object)Shape(g.Key with { Nano = g.Sum(i => i.Nano) }));
        });
    }

    private static IEnumerable<Item> Items(SpendLine line, bool described, GatewaySnapshot snapshot, DateOnly day)
    {
        var workspace = string.IsNullOrEmpty(line.WorkspaceId) ? null : line.WorkspaceId;
        if (!described)
            return [new Item { Nano = line.NanoUsd, WorkspaceId = workspace }];
        var name = snapshot.Catalog.FindModel(line.Model!)?.Name ?? line.Model!;
        return CostKinds.Of(line, snapshot, day).Select(kind => kind.TokenType is null
            ? new Item { Nano = kind.Nano, WorkspaceId = workspace, CostType = kind.CostType, Description = kind.Name }
            : new Item
            {
                Nano = kind.Nano,
                WorkspaceId = workspace,
                CostType = kind.CostType,
                Description = $"{name} Usage - {kind.Name}",
                Model = line.Model,
                TokenType = kind.TokenType,
                ServiceTier = line.ServiceTier == "batch" ? "batch" : "standard",
                ContextWindow = line.ContextWindow,
                InferenceGeo = UsageReportEndpoints.Geography(line.InferenceGeo!),
            });
    }

    private static object Shape(Item item) => new
    {
        Amount = (item.Nano / NanoPerCent).ToString("0.#######", CultureInfo.InvariantCulture),
        item.ContextWindow,
        item.CostType,
        Currency = "USD",
        item.Description,
        item.InferenceGeo,
        item.Model,
        item.ServiceTier,
        item.TokenType,
        item.WorkspaceId,
    };

    private sealed record Item
    {
        public long Nano { get; init; }

        public string? ContextWindow { get; init; }

        public string? CostType { get; init; }

        public string? Description { get; init; }

        public string? InferenceGeo { get; init; }

        public string? Model { get; init; }

        public string? ServiceTier { get; init; }

        public string? TokenType { get; init; }

        public string? WorkspaceId { get; init; }
    }
}
