using Demarc.Control.Compliance;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Control.AdminApi;

/// <summary><c>/v1/organizations/usage_report/messages</c> (Admin API, "Get Messages Usage Report").</summary>
public sealed class UsageReportEndpoints(Store store, PageTokens tokens, TimeProvider time)
{
    private const string FastMode = "fast-mode-2026-02-01";

    private static readonly string[] Tiers = ["batch", "flex", "flex_discount", "priority", "priority_on_demand", "standard"];

    private static readonly string[] Groups =
        ["account_id", "api_key_id", "context_window", "inference_geo", "model", "service_account_id", "service_tier", "speed", "workspace_id"];

    private static readonly string[] Lists =
    [
        "account_ids", "api_key_ids", "context_window", "group_by", "inference_geos", "models", "service_account_ids", "service_tiers", "speeds", "workspace_ids",
    ];

    /// <summary>Buckets of tokens, oldest first, with those in which nothing was used.</summary>
    public async Task<AdminAnswer> GetAsync(AdminRequest request)
    {
        // 1. What is asked.
        var query = new ComplianceQuery(request.Http.Query, ReportQuery.Once, Lists);
        var groups = query.Among("group_by", Groups).ToHashSet();
        var only = Only(query);
        var geographies = query.Among("inference_geos", "global", "not_available", "us");
        if ((groups.Contains("speed") || query.Texts("speeds").Length > 0) && !request.Http.Headers["anthropic-beta"].SelectMany(h => (h ?? "").Split(',', StringSplitOptions.TrimEntries)).Contains(FastMode))
            query.Wrong($"Reporting by `speed` takes the header anthropic-beta: {FastMode}.");
        var page = ReportQuery.Page(query, ReportQuery.Listing("usage_report/messages", request), tokens, time.GetUtcNow(), "1d", "1h", "1m");
        if (page is null)
            return query.Problem!;

        // 2. What was used.
        var by = groups.Aggregate(SpendDimensions.None, (all, group) => all | Dimension(group));
        if (geographies.Length > 0)
            by |= SpendDimensions.InferenceGeo;
        var lines = page.From == page.To || only.Values.Any(v => v.Length == 0) ? [] : await store.Spend.ListAsync(
            new SpendQuery(request.OrganizationId, page.From, page.To, page.Bucket) { By = by, Only = only });
        if (geographies.Length > 0)
            lines = Array.FindAll(lines, l => geographies.Contains(Geography(l.InferenceGeo!)));

        // 3. Its shape: what is not told apart on the wire is added up once more.
        var byTime = lines.ToLookup(l => l.At);
        return page.Answer(start => byTime[start.ToUnixTimeMilliseconds()]
            .GroupBy(l => string.Join('\n', groups.Order(StringComparer.Ordinal).Select(g => Value(g, l) ?? "")))
            .Select(g => Shape(groups, g.Aggregate((a, b) => a + b))));
    }

    private static Dictionary<SpendDimensions, string[]> Only(ComplianceQuery query)
    {
        var only = new Dictionary<SpendDimensions, string[]>();
        Filter(SpendDimensions.Key, Ids(query, "api_key_ids", Governance.Identity.Ids.ApiKey));
        Filter(SpendDimensions.Workspace, Ids(query, "workspace_ids", Governance.Identity.Ids.Workspace));
        Filter(SpendDimensions.Model, query.Texts("models"));
        Filter(SpendDimensions.ServiceTier, query.Among("service_tiers", Tiers));
        Filter(SpendDimensions.ContextWindow, query.Among("context_window", "0-200k", "200k-1M"));
        Filter(SpendDimensions.Speed, query.Among("speeds", "fast", "standard"));
        var (accounts, services) = (Ids(query, "account_ids", Governance.Identity.Ids.User), Ids(query, "service_account_ids", Governance.Identity.Ids.ServiceAccount));
        // All filters hold together, and nobody is both.
        if (accounts.Length > 0 && services.Length > 0)
            only[SpendDimensions.Principal] = [];
        else
            Filter(SpendDimensions.Principal, [.. accounts, .. services]);
        return only;

        void Filter(SpendDimensions dimension, string[] values)
        {
            if (values.Length > 0)
                only[dimension] = values;
        }
    }

    private static string[] Ids(ComplianceQuery query, string name, string prefix)
    {
        var ids = query.Texts(name);
        if (ids.FirstOrDefault(id => !Governance.Identity.Ids.TryParse(prefix, id, out _)) is { } wrong)
            query.Wrong($"The `{name}[]` parameter takes ids of that kind ({prefix}…). Got \"{ComplianceQuery.Printable(wrong)}\".");
        return ids;
    }

    private static SpendDimensions Dimension(string group) => group switch
    {
        "account_id" or "service_account_id" => SpendDimensions.Principal,
        "api_key_id" => SpendDimensions.Key,
        "context_window" => SpendDimensions.ContextWindow,
        "inference_geo" => SpendDimensions.InferenceGeo,
        "model" => SpendDimensions.Model,
        "service_tier" => SpendDimensions.ServiceTier,
        "speed" => SpendDimensions.Speed,
        _ => SpendDimensions.Workspace,
    };

    private static string? Value(string group, SpendLine line) => group switch
    {
        "account_id" => line.PrincipalType == "user" ? line.PrincipalId : null,
        "service_account_id" => line.PrincipalType == "service_account" ? line.PrincipalId : null,
        "api_key_id" => Or(line.KeyId),
        "context_window" => line.ContextWindow,
        "inference_geo" => Geography(line.InferenceGeo!),
        "model" => line.Model,
        "service_tier" => line.ServiceTier,
        "speed" => line.Speed,
        _ => Or(line.WorkspaceId),
    };

    private static Dictionary<string, object?> Shape(HashSet<string> groups, SpendLine line)
    {
        var shape = new Dictionary<string, object?>
        {
            ["uncached_input_tokens"] = line.InputTokens,
            ["cache_creation"] = new Dictionary<string, long> { ["ephemeral_1h_input_tokens"] = line.CacheWrite1hTokens, ["ephemeral_5m_input_tokens"] = line.CacheWrite5mTokens },
            ["cache_read_input_tokens"] = line.CacheReadTokens,
            ["output_tokens"] = line.OutputTokens,
            ["server_tool_use"] = new Dictionary<string, long> { ["web_search_requests"] = line.WebSearchRequests },
        };
        // The speed is part of the answer for those who opted in to it alone.
        foreach (var group in Groups.Where(g => g != "speed" || groups.Contains(g)))
            shape[group] = groups.Contains(group) ? Value(group, line) : null;
        return shape;
    }

    /// <summary>The three values that the report knows: other geographies are those of clouds, which have no <c>inference_geo</c>.</summary>
    internal static string Geography(string geography) => geography is "global" or "us" ? geography : "not_available";

    private static string? Or(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
