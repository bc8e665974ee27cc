using System.Text.Json;
using Dapper;

namespace Demarc.Storage.Ledger;

/// <summary>Reports of spend, a second behind the log: from totals that the projector keeps, not from all that was settled.</summary>
public sealed class SpendReports
{
    private static readonly Dictionary<SpendDimensions, string[]> Columns = new()
    {
        [SpendDimensions.Principal] = ["principal_id", "principal_type"],
        [SpendDimensions.Key] = ["key_id"],
        [SpendDimensions.Workspace] = ["workspace_id"],
        [SpendDimensions.Project] = ["project_id"],
        [SpendDimensions.Platform] = ["platform"],
        [SpendDimensions.Resource] = ["resource"],
        [SpendDimensions.Deployment] = ["deployment"],
        [SpendDimensions.Model] = ["model"],
        [SpendDimensions.Surface] = ["surface"],
        [SpendDimensions.ServiceTier] = ["service_tier"],
        [SpendDimensions.Speed] = ["speed"],
        [SpendDimensions.InferenceGeo] = ["inference_geo"],
        [SpendDimensions.ContextWindow] = ["context_window"],
    };

    private readonly Store _store;

    internal SpendReports(Store store) => _store = store;

    /// <summary>The lines, by time and then dearest first; none for what was not used.</summary>
    public async Task<SpendLine[]> ListAsync(SpendQuery query)
    {
        var columns = Columns.Where(c => query.By.HasFlag(c.Key)).SelectMany(c => c.Value).Select(c => "s." + c).ToArray();
        var parameters = new DynamicParameters(new { query.OrganizationId });
        var conditions = new List<string>();
        foreach (var (dimension, values) in query.Only)
        {
            var name = $"only{(int)dimension}";
            parameters.Add(name, JsonSerializer.Serialize(values));
            conditions.Add($"s.{Columns[dimension][0]} IN {_store.TextsOfJson(name)}");
        }
        var ranges = SpendRange.Of(query);
        for (var i = 0; i < ranges.Length; i++)
        {
            parameters.Add($"from{i}", ranges[i].From);
            parameters.Add($"to{i}", ranges[i].To);
        }
        // Of several ranges, all of the same buckets, the first one's stands for all: they are of the whole.
        var bucket = query.Bucket == SpendBucket.Whole ? null : ranges[0].Bucket;
        string[] groups = bucket is null ? columns : ["bucket", .. columns];
        string[] order = bucket is null ? ["sum(t.nano_usd) DESC", .. columns] : ["bucket", "sum(t.nano_usd) DESC", .. columns];
        // Summed up by series first: what is told apart is then looked up once a series, not once a row.
        var sums = ranges.Select((range, i) =>
            $"""
            SELECT series{(bucket is null ? "" : $", {bucket} AS bucket")}, {string.Join(", ", SpendLine.Columns.Select(c => $"sum({range.Amount(c)}) AS {c}"))}
            FROM {range.Table} WHERE organization_id = @OrganizationId AND {range.Column} >= @from{i} AND {range.Column} < @to{i}
            GROUP BY series{(bucket is null ? "" : $", {bucket}")}
            """);
        var lines = await _store.QueryAsync<SpendLine>(
            $"""
            SELECT {(bucket is null ? "" : ranges[0].Column == "day" ? "bucket AS day, " : "bucket AS at, ")}{string.Concat(columns.Select(c => c + ", "))}
              {string.Join(", ", SpendLine.Columns.Select(c => $"CAST(sum(t.{c}) AS bigint) AS {c}"))}
            FROM ({string.Join(" UNION ALL ", sums)}) AS t
            {(columns.Length + conditions.Count == 0 ? "" : "JOIN spend_series s ON s.id = t.series")}
            {(conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions))}
            {(groups.Length == 0 ? "" : "GROUP BY " + string.Join(", ", groups))}
            HAVING sum(t.requests) > 0 OR sum(t.nano_usd) > 0
            ORDER BY {string.Join(", ", order)}
            """,
            parameters).ConfigureAwait(false);
        return [.. lines.Select(l => bucket is null ? l with { At = query.From.ToUnixTimeMilliseconds() } : l.Day is { } day ? l with { At = SpendRange.Milliseconds(day), Day = null } : l)];
    }

    /// <summary>How many sessions each principal began in a time, by id; sessions of which nothing is kept are not counted.</summary>
    public async Task<Dictionary<string, long>> SessionsAsync(string organizationId, string surface, DateTimeOffset from, DateTimeOffset to) =>
        (await _store.QueryAsync<(string PrincipalId, long Sessions)>(
            """
            SELECT principal_id, count(*) FROM sessions
            WHERE organization_id = @organizationId AND created_at >= @from AND created_at < @to AND surface = @surface GROUP BY principal_id
            """,
            new { organizationId, surface, from = from.ToUnixTimeMilliseconds(), to = to.ToUnixTimeMilliseconds() }).ConfigureAwait(false))
        .ToDictionary(s => s.PrincipalId, s => s.Sessions);
}
